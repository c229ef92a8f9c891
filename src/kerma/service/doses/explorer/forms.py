"""What the explorer can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from kerma.core import InputError
from kerma.core.typeset import pretty_unit
from kerma.doses.bands import band
from kerma.doses.queries import AGAINST, MEASURES, Filter
from kerma.service.web.form_page import DayInput

Choices = Sequence[tuple[str, str]]
GROUPS: Choices = (
    ("", "Nothing"), ("system", "System"), ("standard", "Standard name"),
    ("description", "Description as sent"), ("site", "Site"), ("modality", "Kind"),
    ("protocol", "Protocol"), ("type", "Type of event"), ("view", "View"),
    ("operator", "Operator (pseudonym)"), ("sex", "Sex"), ("phantom", "CTDI phantom"),
    ("anode_filter", "Anode and filter"),
)  # fmt: skip
_EVENT_ONLY = ("protocol", "type", "view", "anode_filter")
_AGAINST = {
    "mass_kg": ("Mass", "kg"), "age_y": ("Age", "y"),
    "size_mm": ("Water-equivalent diameter", "mm"),
    "thickness_mm": ("Compressed thickness", "mm"), "height_m": ("Height", "m"),
    "kvp_kv": ("Tube voltage", "kV"),
}  # fmt: skip
_STUDY_SIZES = ("mass_kg", "age_y", "height_m")


def _measures() -> Choices:
    return [(m.key, f"{m.title}, {pretty_unit(m.unit)}") for m in MEASURES.values()]


class ExplorerForm(forms.Form):
    """Filters, groups and what to draw; all of it lives in the address."""

    measure = forms.ChoiceField(label="Dose", choices=_measures, required=False)
    by = forms.ChoiceField(label="Group by", choices=GROUPS, required=False)
    then = forms.ChoiceField(label="and by", choices=GROUPS, required=False)
    since = forms.DateField(label="From", required=False, widget=DayInput)
    until = forms.DateField(label="To", required=False, widget=DayInput)
    modality = forms.ChoiceField(label="Kind", required=False)
    system = forms.MultipleChoiceField(label="Systems", required=False)
    standard = forms.MultipleChoiceField(label="Standard names", required=False)
    phantom = forms.ChoiceField(
        label="CTDI phantom", required=False,
        choices=[("", "Any"), ("head", "Head, 16 cm"), ("body", "Body, 32 cm")],
    )  # fmt: skip
    protocol = forms.CharField(label="Protocol is", required=False)
    operator = forms.CharField(label="Operator is", required=False)
    words = forms.CharField(label="Words", required=False)
    age = forms.CharField(
        label="Age", required=False, help_text="such as “>=16 y” or “1-<6 y”",
        widget=forms.TextInput({"size": 8}),
    )  # fmt: skip
    mass = forms.CharField(
        label="Mass", required=False, help_text="such as “50-90 kg”",
        widget=forms.TextInput({"size": 8}),
    )  # fmt: skip
    least = forms.FloatField(label="At least", required=False, widget=forms.TextInput({"size": 6}))
    most = forms.FloatField(label="At most", required=False, widget=forms.TextInput({"size": 6}))
    interval = forms.ChoiceField(
        label="Time by", required=False,
        choices=[(i, i.capitalize()) for i in ("month", "week", "day", "quarter", "year")],
    )  # fmt: skip
    against = forms.ChoiceField(label="Against", required=False)
    others = forms.BooleanField(label="Count what is not a patient", required=False)

    def __init__(
        self, *args: Any, systems: Choices, standards: Choices, modalities: Sequence[str],
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["system"].choices = systems
        self.fields["standard"].choices = standards
        self.fields["modality"].choices = [("", "Any"), *((m, m) for m in modalities)]
        self.fields["against"].choices = [
            ("", "Nothing"), *((k, _AGAINST[k][0]) for k in AGAINST)
        ]  # fmt: skip

    def _band(self, name: str) -> str:
        text = str(self.cleaned_data.get(name) or "")
        if text:
            try:
                band(text)
            except InputError as error:
                raise forms.ValidationError(error.message) from None
        return text

    def clean_age(self) -> str:
        """A band, or nothing."""
        return self._band("age")

    def clean_mass(self) -> str:
        """A band, or nothing."""
        return self._band("mass")

    def clean(self) -> dict[str, Any]:
        """What only events have cannot group studies."""
        data = super().clean() or {}
        asked = MEASURES[data.get("measure") or "dlp"]
        for name in ("by", "then"):
            if data.get(name) in _EVENT_ONLY and asked.kind == "studies":
                self.add_error(name, f"{asked.title} belongs to a study, not to one event.")
        if data.get("against") and data["against"] not in _STUDY_SIZES and asked.kind == "studies":
            self.add_error("against", f"{asked.title} belongs to a study, not to one event.")
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", "The last day lies before the first.")
        return data

    @property
    def measure_key(self) -> str:
        """The dose asked for."""
        return str(self.cleaned_data.get("measure") or "dlp")

    @property
    def groups(self) -> list[str]:
        """What to group by, in order, without repeats."""
        asked = [self.cleaned_data.get("by"), self.cleaned_data.get("then")]
        return list(dict.fromkeys(g for g in asked if g))

    def chosen(self, *, employer: str = "") -> Filter:
        """Return the filter; a hospital's reader sees that employer's rows only."""
        data = self.cleaned_data
        equal: dict[str, Sequence[str]] = {}
        for column in ("modality", "protocol", "operator", "phantom"):
            if data.get(column):
                equal[column] = [data[column]]
        for column in ("system", "standard"):
            if data.get(column):
                equal[column] = data[column]
        if employer:
            equal["employer"] = [employer]
        return Filter(
            since=data.get("since"), until=data.get("until"), equal=equal, age=data.get("age", ""),
            mass=data.get("mass", ""), least=data.get("least"), most=data.get("most"),
            patients=not data.get("others"), words=data.get("words", ""),
        )  # fmt: skip


def against_words(column: str) -> tuple[str, str]:
    """Return title and unit of what a dose is set against."""
    return _AGAINST[column]


class CompareForm(forms.Form):
    """Which two groups of the explorer's rows are set beside each other."""

    by = forms.ChoiceField(label="Compare by", choices=GROUPS[1:], required=False)
    first = forms.CharField(label="First", required=False)
    second = forms.CharField(label="Second", required=False)


class ViewForm(forms.Form):
    """Keep the present filters under a name."""

    name = forms.CharField(label="Name", max_length=120)
    shared = forms.BooleanField(label="Show it to everybody of the service", required=False)
    query = forms.CharField(widget=forms.HiddenInput, max_length=2000, required=False)
