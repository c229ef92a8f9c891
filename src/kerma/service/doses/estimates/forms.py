"""What an estimate needs beside what the study states."""

from __future__ import annotations

from django import forms

from kerma.physics.ct import coefficient_sets
from kerma.physics.fetal import examinations


def _sets() -> list[tuple[str, str]]:
    return [(name, name) for name in coefficient_sets()]


def _texts(column: str) -> list[tuple[str, str]]:
    found = {r.text(column) for rows in coefficient_sets().values() for r in rows}
    return [(v, v or "any") for v in sorted(found)]


class SsdeForm(forms.Form):
    """Size-specific dose estimate."""

    diameter_mm = forms.FloatField(label="Water-equivalent diameter, mm", min_value=1)
    region = forms.ChoiceField(choices=[("body", "Body"), ("head", "Head")])


class EffectiveForm(forms.Form):
    """Effective dose by one named set."""

    set_name = forms.ChoiceField(label="Coefficients", choices=_sets)
    region = forms.ChoiceField(choices=lambda: _texts("region"))
    age = forms.ChoiceField(label="Age of the set", choices=lambda: _texts("age_y"))
    kv = forms.ChoiceField(label="Tube voltage of the set", choices=lambda: _texts("kV"),
                           required=False)  # fmt: skip
    weighting = forms.ChoiceField(choices=lambda: _texts("weighting"), required=False)


class FetalForm(forms.Form):
    """Typical fetal dose by examination."""

    examination = forms.ChoiceField(choices=lambda: [(name, name) for name in examinations()])


class CumulativeForm(forms.Form):
    """A patient's sum over some weeks."""

    set_name = forms.ChoiceField(label="Coefficients", choices=_sets)
    weeks = forms.IntegerField(min_value=1, max_value=5200, initial=52)
