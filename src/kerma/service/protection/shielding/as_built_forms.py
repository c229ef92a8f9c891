"""Forms of measured barriers."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from kerma.core.typeset import pretty_unit
from kerma.service.instruments.models import Instrument
from kerma.service.protection.shielding.as_built import RADIATIONS, UNITS
from kerma.service.web.form_page import DayInput

# Larger files are no record of a measurement. Design choice.
MOST_BYTES = 20 * 2**20
_U = "Standard uncertainty (k = 1) in the same unit; empty: by the calibration."


class MeasuredForm(forms.Form):
    """One barrier as it was measured."""

    barrier = forms.ChoiceField()
    measured_on = forms.DateField(widget=DayInput, label="Measured on")
    radiation = forms.ChoiceField(choices=list(RADIATIONS.items()), label="Beam")
    kv = forms.FloatField(label="Tube voltage, kV", min_value=1, max_value=500)
    filtration = forms.CharField(label="Filtration", max_length=200, required=False,
                                 help_text="As set and added.")  # fmt: skip
    unit = forms.ChoiceField(choices=[(u, pretty_unit(u)) for u in UNITS], label="Unit")
    without = forms.FloatField(label="Reading without the barrier")
    without_u = forms.FloatField(
        label="Uncertainty of the reading without", required=False, help_text=_U
    )
    behind = forms.FloatField(label="Reading behind the barrier")
    behind_u = forms.FloatField(
        label="Uncertainty of the reading behind", required=False, help_text=_U
    )
    instrument = forms.ModelChoiceField(
        Instrument.objects.none(), required=False, empty_label="Not in the register",
    )  # fmt: skip
    evidence = forms.FileField(required=False, label="Evidence, as a file")

    def __init__(
        self, *args: Any, barriers: list[tuple[str, str]], instruments: QuerySet[Instrument],
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["barrier"].choices = [("", "Choose"), *barriers]
        self.fields["instrument"].queryset = instruments
        self.fields["measured_on"].initial = timezone.localdate()

    def clean_evidence(self) -> Any:
        """A file that is no evidence of a measurement is not kept."""
        file = self.cleaned_data["evidence"]
        if file and file.size > MOST_BYTES:
            raise forms.ValidationError(f"At most {MOST_BYTES // 2**20} MB.")
        return file


class AsBuiltPaperForm(forms.Form):
    """What the adviser adds before the paper is written."""

    summary = forms.CharField(
        label="What was found, in your words", widget=forms.Textarea({"rows": 5}), max_length=4000
    )
    owner = forms.CharField(label="Who puts right what is less than designed", max_length=120)
    due = forms.DateField(label="By", widget=DayInput)
    amend_reason = forms.CharField(
        label="Why the issued paper is replaced", required=False, max_length=400
    )

    def clean_due(self) -> date:
        """Nothing is asked for by a day that is over."""
        due: date = self.cleaned_data["due"]
        if due < timezone.localdate():
            raise forms.ValidationError("This day is over.")
        return due
