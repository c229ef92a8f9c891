"""Forms of the testing room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from kerma.protocols import available, load_protocol
from kerma.service.estate.models import MODALITIES, System
from kerma.service.people.models import Person
from kerma.service.testing.models import PURPOSES, RECOMMENDATIONS, STATES


class DayInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SurveyFilter(forms.Form):
    """Narrow the list of surveys."""

    q = forms.CharField(label="Words", required=False)
    state = forms.ChoiceField(
        required=False, choices=[("", "Any"), ("open", "Not issued yet"), *STATES]
    )
    purpose = forms.ChoiceField(required=False, choices=[("", "Any"), *PURPOSES])
    modality = forms.ChoiceField(required=False, choices=[("", "Any"), *MODALITIES])


class PlanForm(forms.Form):
    """Plan a survey."""

    system = forms.ModelChoiceField(System.objects.none(), empty_label="Choose a system")
    protocol = forms.ChoiceField()
    purpose = forms.ChoiceField(choices=PURPOSES, initial="routine")
    planned_for = forms.DateField(widget=DayInput, label="Day")
    performer = forms.ModelChoiceField(
        Person.objects.none(), required=False, empty_label="Not decided yet"
    )

    def __init__(self, *args: Any, systems: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["system"].queryset = systems
        self.fields["performer"].queryset = Person.objects.filter(active=True).exclude(
            role__in=("hospital_user", "administrator")
        )
        self.fields["planned_for"].initial = timezone.localdate()
        protocols = [load_protocol(name) for name in available()]
        self.fields["protocol"].choices = [
            (p.id, f"{p.title} ({len(p.active())} tests)") for p in protocols
        ]


class StartForm(forms.Form):
    """Begin measuring."""

    performed_on = forms.DateField(widget=DayInput, label="Day of the survey")


class ContactForm(forms.Form):
    """Who was told of a suspension-level result."""

    told = forms.CharField(label="Who was told", max_length=160)
    how = forms.ChoiceField(
        label="How", choices=[(w, w) for w in ("In person", "By telephone", "By video call")]
    )
    text = forms.CharField(
        label="What they were told", max_length=400, widget=forms.Textarea({"rows": 2})
    )


class ImagesForm(forms.Form):
    """Images for a slot."""

    class Files(forms.ClearableFileInput):
        """Several files at once."""

        allow_multiple_selected = True

    files = forms.FileField(label="Choose or drop DICOM images", widget=Files)


class DraftForm(forms.Form):
    """What the author adds to the results."""

    recommendation = forms.ChoiceField(
        label="Recommendation",
        choices=RECOMMENDATIONS,
        widget=forms.RadioSelect,
        help_text="The decision to use the equipment is the employer’s.",
    )
    summary = forms.CharField(
        label="Summary",
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="A blank line begins a new paragraph.",
    )


class ReasonForm(forms.Form):
    """A reason for an act."""

    reason = forms.CharField(max_length=400, widget=forms.Textarea({"rows": 3}))
