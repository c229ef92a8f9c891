"""Thresholds and answers."""

from __future__ import annotations

from typing import Any

from django import forms

from kerma.core import InputError, unit
from kerma.service.doses.models import Alert, AlertRule, StandardName
from kerma.service.estate.models import Employer, System

_QUANTITIES = [
    ("dlp", "DLP"), ("kap", "KAP"), ("dose_rp", "Dose at the reference point"),
    ("fluoro_time", "Fluoroscopy time"), ("agd", "Average glandular dose"),
    ("skin", "Peak skin dose"),
]  # fmt: skip


class RuleForm(forms.Form):
    """One threshold."""

    name = forms.CharField(max_length=120)
    kind = forms.ChoiceField(choices=AlertRule.KINDS)
    quantity_key = forms.ChoiceField(label="Dose", choices=_QUANTITIES)
    threshold = forms.FloatField(min_value=0)
    symbol = forms.CharField(label="Unit", max_length=20, help_text="such as Gy, mGy.cm, Gy.cm2")
    weeks = forms.IntegerField(
        label="Weeks added up", required=False, min_value=1, max_value=520,
        help_text="only for a patient's studies together",
    )  # fmt: skip
    modality = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((m, m) for m in ("CT", "RF", "DX", "MG", "PX"))]
    )
    standard = forms.ModelChoiceField(
        StandardName.objects.filter(retired=False), label="Examination", required=False,
        empty_label="Any",
    )  # fmt: skip
    system = forms.ModelChoiceField(
        System.objects.select_related("room__site"), required=False, empty_label="Any"
    )
    employer = forms.ModelChoiceField(Employer.objects.all(), required=False, empty_label="Any")
    source = forms.CharField(
        label="Whose threshold, and why", max_length=300, widget=forms.Textarea({"rows": 2})
    )

    def clean_symbol(self) -> str:
        """A unit of the table."""
        try:
            return unit(self.cleaned_data["symbol"]).symbol
        except InputError as error:
            raise forms.ValidationError(error.message) from None


class AnswerForm(forms.Form):
    """What was done about an alert."""

    state = forms.ChoiceField(label="It is now", choices=Alert.STATES[1:])
    text = forms.CharField(
        label="What was done or found", max_length=1000, widget=forms.Textarea({"rows": 3})
    )
    incident = forms.CharField(
        label="Incident", required=False, max_length=120, help_text="reference, if one was opened"
    )


class AlertFilter(forms.Form):
    """Narrow the list."""

    state = forms.ChoiceField(
        required=False,
        choices=[("", "Not closed"), *Alert.STATES, ("all", "All")],
    )
    rule = forms.ModelChoiceField(AlertRule.objects.all(), required=False, empty_label="Any")

    def chosen(self) -> dict[str, Any]:
        """Return what to filter by."""
        data = self.cleaned_data if self.is_valid() else {}
        return {k: v for k, v in data.items() if v}
