"""What is said when a calculation is kept or written up."""

from __future__ import annotations

from typing import Any

from django import forms

from kerma.service.estate.models import Employer, Room, System
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.protection.models import SavedCalculation


class RoomChoice(forms.ModelChoiceField):
    """Rooms with the site they are at: several sites have a “Room 1”."""

    def label_from_instance(self, obj: Room) -> str:
        """Return site and room."""
        return f"{obj.site.name}, {obj.name}"


class SaveForm(forms.Form):
    """Title, purpose, and what the calculation is about."""

    title = forms.CharField(max_length=200)
    about = forms.CharField(
        label="What it is for", required=False, max_length=1000,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
    system = forms.ModelChoiceField(System.objects.all(), required=False, empty_label="None")
    room = RoomChoice(
        Room.objects.select_related("site"), required=False, empty_label="None",
        help_text="A system brings its own room.",
    )  # fmt: skip
    reason = forms.CharField(label="Why the earlier one is replaced", max_length=300)

    def __init__(self, *args: Any, replaces: SavedCalculation | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if replaces is None:
            del self.fields["reason"]


def _kinds() -> list[tuple[str, str]]:
    return [("", "Any"), *((c.key, c.title) for c in calculators().values())]


class CalculationFilter(forms.Form):
    """Narrow the list of saved calculations."""

    q = forms.CharField(label="Title, system, room, person", required=False)
    calculator = forms.ChoiceField(choices=_kinds, required=False)
    mine = forms.ChoiceField(label="By", choices=[("", "Anybody"), ("1", "Me")], required=False)


class PaperForm(forms.Form):
    """The question asked, what follows, and for whom."""

    employer = forms.ModelChoiceField(Employer.objects.all(), empty_label="Choose")
    title = forms.CharField(max_length=180)
    question = forms.CharField(
        label="The question asked", widget=forms.Textarea({"rows": 3}), max_length=2000
    )
    conclusion = forms.CharField(
        label="The answer, in your words", widget=forms.Textarea({"rows": 4}), max_length=4000,
        help_text="Its first paragraph stands on the first page.",
    )  # fmt: skip
    reason = forms.CharField(label="Why the issued paper is amended", max_length=400)

    def __init__(self, *args: Any, amends: bool = False, again: bool = False, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if not amends:
            del self.fields["reason"]
        if amends or again:
            del self.fields["employer"]
