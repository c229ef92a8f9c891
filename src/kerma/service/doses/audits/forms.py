"""What an audit asks, and how its levels are adopted."""

from __future__ import annotations

from typing import Any

from django import forms

from kerma.core import InputError
from kerma.doses.bands import band
from kerma.service.doses.models import StandardName
from kerma.service.estate.models import Employer
from kerma.service.web.form_page import DayInput

MEASURES = [
    ("dlp", "DLP"), ("ctdivol", "CTDIvol of an event"), ("kap", "KAP"),
    ("fluoro_time", "Fluoroscopy time"), ("dose_rp", "Dose at the reference point"),
    ("agd", "AGD of an event"),
]  # fmt: skip


class AuditForm(forms.Form):
    """One audit: which examination, which dose, which period, which bands."""

    employer = forms.ModelChoiceField(Employer.objects.order_by("name"), empty_label="Choose")
    standard = forms.ModelChoiceField(
        StandardName.objects.filter(retired=False), label="Examination", empty_label="Choose"
    )
    measure = forms.ChoiceField(label="Dose", choices=MEASURES)
    since = forms.DateField(label="From", widget=DayInput)
    until = forms.DateField(label="To", widget=DayInput)
    smallest = forms.IntegerField(
        label="Smallest sample of a room", required=False, min_value=1,
        help_text="Empty: the rule for this kind of examination.",
    )  # fmt: skip
    ages = forms.CharField(
        label="Bands of age", required=False, help_text="such as “>=16 y”, or several with commas"
    )
    masses = forms.CharField(label="Bands of mass", required=False, help_text="such as “50-90 kg”")

    def _bands(self, name: str) -> tuple[str, ...]:
        texts = tuple(t.strip() for t in self.cleaned_data[name].split(",") if t.strip())
        for text in texts:
            try:
                band(text)
            except InputError as error:
                raise forms.ValidationError(error.message) from None
        return texts

    def clean_ages(self) -> tuple[str, ...]:
        """Bands, or none."""
        return self._bands("ages")

    def clean_masses(self) -> tuple[str, ...]:
        """Bands, or none."""
        return self._bands("masses")

    def clean(self) -> dict[str, Any]:
        """The period runs forward."""
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", "The last day lies before the first.")
        return data


class WriteForm(forms.Form):
    """What the author adds before the paper is written."""

    summary = forms.CharField(
        label="What the audit says, in your words", widget=forms.Textarea({"rows": 4}),
        max_length=4000,
    )  # fmt: skip
    owner = forms.CharField(
        label="Who answers for rooms above the national level", max_length=120,
        initial="Head of imaging",
    )  # fmt: skip
    due = forms.DateField(label="Answer by", widget=DayInput)


class AdoptForm(forms.Form):
    """From which day the levels of an issued audit hold."""

    valid_from = forms.DateField(label="They hold from", widget=DayInput)
