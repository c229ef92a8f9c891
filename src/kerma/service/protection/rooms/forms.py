"""Forms of the register of rooms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from kerma.service.protection.models import Design, RoomEntry
from kerma.service.protection.rooms.selectors import ABSENT
from kerma.service.web.form_page import DayInput


class RoomFilter(forms.Form):
    """Narrow the register."""

    q = forms.CharField(label="Room, site, system", required=False)
    site = forms.ChoiceField(required=False)
    designation = forms.ChoiceField(
        choices=[("", "Any"), *RoomEntry.DESIGNATIONS, (ABSENT, "Not in the register")],
        required=False,
    )
    no_design = forms.BooleanField(label="Without a design in force", required=False)
    recheck = forms.BooleanField(label="Re-check wanted", required=False)

    def __init__(self, *args: Any, sites: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [("", "Any"), *sites]


class EntryForm(forms.Form):
    """What holds of a room from a day on."""

    designation = forms.ChoiceField(choices=[("", "Choose"), *RoomEntry.DESIGNATIONS])
    when = forms.CharField(
        label="While", max_length=160, required=False,
        help_text="When the designation holds, such as “while the X-ray set is powered”.",
    )  # fmt: skip
    signs = forms.CharField(
        label="Signs and lights", max_length=300, required=False,
        help_text="At each entrance, as they are.",
    )  # fmt: skip
    local_rules = forms.CharField(
        label="Local rules", max_length=300, required=False, help_text="Number, or an address.",
    )  # fmt: skip
    supervisor = forms.CharField(
        label="Radiation protection supervisor", max_length=160, required=False,
        help_text="By name, as appointed in writing.",
    )  # fmt: skip
    design = forms.ModelChoiceField(
        Design.objects.none(), required=False, empty_label="Whichever covers the room",
        label="Shielding design",
    )  # fmt: skip
    valid_from = forms.DateField(widget=DayInput, label="From")
    reason = forms.CharField(
        max_length=300, widget=forms.Textarea({"rows": 2}),
        help_text="Why it is designated so, or what changed.",
    )  # fmt: skip

    def __init__(self, *args: Any, designs: QuerySet[Design], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["design"].queryset = designs


def initial_of(entry: RoomEntry | None) -> dict[str, Any]:
    """Return what a new entry begins with: what held before, but not why."""
    today = {"valid_from": timezone.localdate()}
    if entry is None:
        return today
    return {
        "designation": entry.designation, "when": entry.when, "signs": entry.signs,
        "local_rules": entry.local_rules, "supervisor": entry.supervisor,
        "design": entry.design_id, **today,
    }  # fmt: skip
