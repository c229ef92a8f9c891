"""Forms of skin dose: narrowing the list, what is set by hand, the paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from kerma.physics.skin.events import ORIENTATION_WORDS
from kerma.service.doses.models import RoomProfile
from kerma.service.doses.skin.packing import ByHand
from kerma.service.web.form_page import DayInput

_FURTHEST_MM = 1000.0  # Design choice: further than any patient lies from where they are taken to


class MapFilter(forms.Form):
    """Narrow the list of maps."""

    q = forms.CharField(label="Examination, system", required=False)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *RoomProfile.STATUS])
    system = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, systems: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["system"].choices = [("", "Any"), *systems]  # type: ignore[attr-defined]


def _millimetres(label: str, hint: str) -> forms.FloatField:
    return forms.FloatField(
        label=label, help_text=hint, initial=0, min_value=-_FURTHEST_MM, max_value=_FURTHEST_MM
    )


class ByHandForm(forms.Form):
    """How the patient lay, where the report does not say it or says it wrongly."""

    orientation = forms.ChoiceField(
        label="The patient lay", required=False,
        choices=[("", "As reported"), *((k, f"{w} ({k})") for k, w in ORIENTATION_WORDS.items())],
    )  # fmt: skip
    across_mm = _millimetres(
        "Moved across, mm", "to the left of a patient lying on the back, head first"
    )
    down_mm = _millimetres("Moved down, mm", "off the pad is negative")
    along_mm = _millimetres("Moved along, mm", "towards the head end of the table")
    reason = forms.CharField(
        label="How it is known", max_length=300, widget=forms.Textarea({"rows": 2})
    )

    def chosen(self) -> ByHand:
        """Return what was set."""
        data = self.cleaned_data
        offset = (data["across_mm"], data["down_mm"], data["along_mm"])
        return ByHand(data["orientation"] or None, offset, data["reason"].strip())

    @staticmethod
    def initial_of(by_hand: ByHand) -> dict[str, Any]:
        """Return the form's values for what was set before."""
        across, down, along = by_hand.offset_mm
        return {
            "orientation": by_hand.orientation or "", "across_mm": across, "down_mm": down,
            "along_mm": along, "reason": by_hand.reason,
        }  # fmt: skip


class WriteForm(forms.Form):
    """What the author adds before the paper is written."""

    summary = forms.CharField(
        label="What the map shows, in your words", widget=forms.Textarea({"rows": 4}),
        max_length=4000,
    )  # fmt: skip
    owner = forms.CharField(
        label="Who decides on follow-up", max_length=120,
        help_text="named in the paper only if the interval reaches a band of skin reactions",
    )  # fmt: skip
    due = forms.DateField(label="By", widget=DayInput)


class AmendForm(WriteForm):
    """The same for a paper that has been issued: it is amended, with a reason."""

    amend_reason = forms.CharField(label="Why the issued paper is amended", max_length=300)
