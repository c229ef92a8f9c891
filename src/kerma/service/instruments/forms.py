"""Forms of the instrument register."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from kerma.service.web.form_page import DayInput

FACTOR_ROWS = 6
QUANTITIES = [
    (q, q.capitalize())
    for q in (
        "air kerma", "air kerma rate", "tube voltage", "exposure time", "half-value layer",
        "kerma-area product", "tube load", "illuminance", "luminance",
    )
]  # fmt: skip


class InstrumentFilter(forms.Form):
    """Narrow the register."""

    q = forms.CharField(label="Maker, model, serial, certificate", required=False)
    kind = forms.ChoiceField(required=False)
    retired = forms.BooleanField(label="Retired too", required=False)

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "Any"), *kinds]


class FactorForm(forms.Form):
    """One calibration factor of a certificate."""

    quantity = forms.ChoiceField(choices=[("", "None"), *QUANTITIES], required=False)
    factor = forms.FloatField(required=False, help_text="Corrected = indicated × factor.")
    u_percent = forms.FloatField(label="U, per cent", required=False, min_value=0)
    k = forms.FloatField(label="k", required=False, initial=2, min_value=1)
    beam_quality = forms.CharField(max_length=60, required=False, label="Beam quality")

    def clean(self) -> dict[str, Any]:
        """A factor and its quantity belong together."""
        data = super().clean() or self.cleaned_data
        has_factor = data.get("factor") is not None
        if data.get("quantity") and not has_factor and "factor" not in self.errors:
            self.add_error("factor", "Enter the factor, or choose no quantity.")
        if has_factor and not data.get("quantity"):
            self.add_error("quantity", "Choose what the factor is for.")
        return data

    @property
    def given(self) -> dict[str, Any] | None:
        """The factor as the service takes it, or ``None`` for an empty line."""
        data = self.cleaned_data
        if not data.get("quantity"):
            return None
        return {**data, "k": data["k"] or 2.0}


Factors = forms.formset_factory(FactorForm, extra=FACTOR_ROWS)


class CertificateForm(forms.Form):
    """A calibration certificate."""

    number = forms.CharField(max_length=60, label="Certificate number")
    laboratory = forms.CharField(max_length=120)
    accreditation = forms.CharField(max_length=60, required=False)
    calibrated_on = forms.DateField(widget=DayInput, label="Calibrated on")
    due_on = forms.DateField(widget=DayInput, label="Next calibration due")
    document = forms.FileField(required=False, label="The certificate as a file")

    def clean_calibrated_on(self) -> Any:
        """A calibration to come has not been made."""
        day = self.cleaned_data["calibrated_on"]
        if day > timezone.localdate():
            raise forms.ValidationError("This day has not come yet.")
        return day


class QuarantineForm(forms.Form):
    """Why an instrument is not to be relied on, and since when."""

    on = forms.DateField(widget=DayInput, label="Not to be relied on from")
    reason = forms.CharField(max_length=200, widget=forms.Textarea({"rows": 2}))


class ReleaseForm(forms.Form):
    """What was found."""

    reason = forms.CharField(
        max_length=300, label="What was found", widget=forms.Textarea({"rows": 2})
    )


class ImpactForm(forms.Form):
    """From which day on to look for surveys that used an instrument."""

    since = forms.DateField(widget=DayInput, label="Surveys from", required=False)
