"""Forms of the people room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from kerma.authority.rules import rulebook
from kerma.service.estate.models import MODALITIES, Employer
from kerma.service.people.models import ROLES, Appointment, Person
from kerma.service.web.form_page import DayInput

_ANY = ("", "Any")


class PeopleFilter(forms.Form):
    """Narrow the list of people."""

    q = forms.CharField(label="Name or e-mail", required=False)
    role = forms.ChoiceField(required=False, choices=[_ANY, *ROLES])
    where = forms.ChoiceField(required=False)
    state = forms.ChoiceField(
        required=False, choices=[("", "Here now"), ("left", "Left"), ("any", "All")]
    )
    signin = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        employers = Employer.objects.values_list("key", "name")
        self.fields["where"].choices = [_ANY, ("service", "The physics service"), *employers]


class CredentialForm(forms.Form):
    """A registration or certificate."""

    type = forms.ChoiceField()
    number = forms.CharField(max_length=60)
    issuing_body = forms.CharField(max_length=120, label="Issuing body")
    scope = forms.CharField(max_length=200, required=False)
    issued = forms.DateField(widget=DayInput)
    expires = forms.DateField(
        widget=DayInput,
        required=False,
        help_text="Leave empty for continuous certification, which has no end.",
    )
    last_annual_declaration = forms.DateField(
        widget=DayInput, required=False, label="Last annual declaration"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = rulebook()["credentials"]
        self.fields["type"].choices = [(key, f"{key}: {names[key]}") for key in names]


class AppointmentForm(forms.Form):
    """An employer's written appointment."""

    employer = forms.ModelChoiceField(Employer.objects.all(), empty_label="Choose an employer")
    role = forms.ChoiceField(choices=Appointment.ROLES)
    scope = forms.CharField(max_length=200, help_text="As in the letter of appointment.")
    modalities = forms.MultipleChoiceField(
        choices=MODALITIES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked means every type of equipment.",
    )
    start = forms.DateField(widget=DayInput)
    end = forms.DateField(widget=DayInput, required=False)

    def clean(self) -> dict[str, Any]:
        """An appointment cannot end before it starts."""
        data = super().clean() or self.cleaned_data
        if data.get("end") and data.get("start") and data["end"] < data["start"]:
            self.add_error("end", "This is before the start.")
        return data


class AbsenceForm(forms.Form):
    """Days away."""

    start = forms.DateField(widget=DayInput, label="First day away")
    end = forms.DateField(widget=DayInput, label="Last day away")
    reason = forms.CharField(max_length=80, required=False)

    def clean(self) -> dict[str, Any]:
        """An absence cannot end before it starts."""
        data = super().clean() or self.cleaned_data
        if data.get("end") and data.get("start") and data["end"] < data["start"]:
            self.add_error("end", "This is before the first day.")
        return data


class ContactForm(forms.Form):
    """A site's dedicated contact and who covers."""

    person = forms.ModelChoiceField(Person.objects.none(), empty_label="Choose a person")
    cover = forms.ModelChoiceField(
        Person.objects.none(), required=False, empty_label="Nobody yet",
        help_text="Stands in on the days the contact is away.",
    )  # fmt: skip
    start = forms.DateField(widget=DayInput, label="From")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = Person.objects.filter(active=True).exclude(
            role__in=("hospital_user", "administrator")
        )
        self.fields["person"].queryset = self.fields["cover"].queryset = staff
        self.fields["start"].initial = timezone.localdate()

    def clean(self) -> dict[str, Any]:
        """Nobody covers for themselves."""
        data = super().clean() or self.cleaned_data
        if data.get("cover") and data.get("cover") == data.get("person"):
            self.add_error("cover", "Somebody else must cover.")
        return data
