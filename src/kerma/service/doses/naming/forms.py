"""Standard names and their rules."""

from __future__ import annotations

from typing import Any

from django import forms

from kerma.doses.levels import national_levels
from kerma.service.doses.models import NameRule, StandardName

_MODALITIES = [(m, m) for m in ("CT", "RF", "DX", "MG", "PX", "NM")]


def _levels() -> list[tuple[str, str]]:
    return [
        (n.row.id, f"{n.examination}{f', {n.band}' if n.band else ''}: {n.quantity} {n.value:g} "
                   f"{n.unit} ({n.year}, {n.row.confidence})")
        for n in national_levels()
    ]  # fmt: skip


class StandardForm(forms.Form):
    """A new standard name."""

    title = forms.CharField(max_length=160)
    key = forms.SlugField(max_length=80, help_text="short, lower case, never changed")
    modality = forms.ChoiceField(label="Kind", choices=_MODALITIES)
    region = forms.CharField(max_length=60, required=False)
    indication = forms.CharField(max_length=160, required=False)
    levels = forms.MultipleChoiceField(
        label="National levels that are for it", choices=_levels, required=False,
        widget=forms.SelectMultiple({"size": 8}),
    )  # fmt: skip


class RuleForm(forms.Form):
    """A new rule."""

    standard = forms.ModelChoiceField(
        StandardName.objects.filter(retired=False), label="Means", empty_label="Choose"
    )
    field = forms.ChoiceField(label="Where", choices=NameRule.FIELDS)
    how = forms.ChoiceField(label="How", choices=NameRule.HOW)
    text = forms.CharField(label="Words", max_length=200)


class PublishForm(forms.Form):
    """Why a version is published."""

    reason = forms.CharField(label="What changed", max_length=400)


class CorrectionForm(forms.Form):
    """One corrected fact of a study."""

    field = forms.ChoiceField(label="What")
    value = forms.CharField(max_length=200, required=False, help_text="metres, kilograms, a key")
    reason = forms.CharField(max_length=300)

    def __init__(self, *args: Any, fields: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["field"].choices = fields
