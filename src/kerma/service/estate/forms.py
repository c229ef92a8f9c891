"""Forms of the equipment room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from kerma.service.estate.models import MODALITIES, Component, System
from kerma.service.web.form_page import DayInput

DUE = [
    ("", "Any"),
    ("overdue", "Overdue"),
    ("soon", "Due within 30 days"),
    ("never", "Never surveyed"),
]


class SystemFilter(forms.Form):
    """Narrow the list of systems."""

    q = forms.CharField(label="Asset, name, serial, room", required=False)
    site = forms.ChoiceField(required=False)
    modality = forms.ChoiceField(label="Type", required=False, choices=[("", "Any"), *MODALITIES])
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *System.STATUS])
    due = forms.ChoiceField(label="Routine survey", required=False, choices=DUE)
    gaps = forms.BooleanField(label="With inventory gaps", required=False)
    level = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, sites: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [("", "Any"), *sites]


class StatusForm(forms.Form):
    """The employer's decision about the use of a system."""

    status = forms.ChoiceField(label="Decision", choices=System.STATUS)
    reason = forms.CharField(max_length=300, widget=forms.Textarea({"rows": 3}))


class EventForm(forms.Form):
    """Something that happened to a system."""

    KINDS = [(k, k) for k in ("service", "repair", "software", "relocation", "fault", "other")]

    on = forms.DateField(label="Day", widget=DayInput)
    kind = forms.ChoiceField(label="Kind", choices=KINDS)
    text = forms.CharField(
        label="What happened", max_length=300, widget=forms.Textarea({"rows": 3})
    )

    def clean_on(self) -> Any:
        """An event to come has not happened."""
        return not_to_come(self.cleaned_data["on"])


class ComponentForm(forms.Form):
    """The part that takes the place of another."""

    on = forms.DateField(label="Day of the change", widget=DayInput)
    manufacturer = forms.CharField(max_length=120)
    model = forms.CharField(max_length=120)
    serial = forms.CharField(label="Serial number of the new part", max_length=80)

    def __init__(self, *args: Any, old: Component, **kwargs: Any) -> None:
        given = {"manufacturer": old.manufacturer, "model": old.model}
        super().__init__(*args, initial=given, **kwargs)
        self.old = old

    def clean_on(self) -> Any:
        """A part cannot leave before it came."""
        on = not_to_come(self.cleaned_data["on"])
        if self.old.installed_on and on < self.old.installed_on:
            came = f"{self.old.installed_on:%-d %b %Y}"
            raise forms.ValidationError(f"The old part was installed on {came}, after this day.")
        return on

    def clean_serial(self) -> str:
        """The new part is another one."""
        serial: str = self.cleaned_data["serial"]
        if serial.strip() == self.old.serial:
            raise forms.ValidationError("This is the serial number of the part being replaced.")
        return serial


def not_to_come(day: Any) -> Any:
    """Refuse a day that has not come yet."""
    if day > timezone.localdate():
        raise forms.ValidationError("This day has not come yet.")
    return day
