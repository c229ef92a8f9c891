"""Forms of shielding designs."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from kerma.physics.shielding.plan.document import FARTHEST_M, METHODS
from kerma.service.estate.models import Room, Site
from kerma.service.web.form_page import DayInput


class DesignFilter(forms.Form):
    """Narrow the list of designs."""

    q = forms.CharField(label="Title, site, room", required=False)
    site = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, sites: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [("", "Any"), *sites]


class DesignForm(forms.Form):
    """Open a design."""

    title = forms.CharField(max_length=160, help_text="such as “CT room 2, new scanner”")
    site = forms.ModelChoiceField(Site.objects.none(), empty_label="Choose")
    rooms = forms.ModelMultipleChoiceField(
        Room.objects.none(), required=False, label="Rooms it covers, where they are registered"
    )
    method = forms.ChoiceField(choices=list(METHODS.items()), initial="uk")
    height_m = forms.FloatField(
        label="Height of its storey, m", min_value=0.1, max_value=FARTHEST_M,
        help_text="From the finished floor to the slab above.",
    )  # fmt: skip
    about = forms.CharField(
        label="What is planned", required=False, max_length=4000,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip

    def __init__(self, *args: Any, sites: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites
        rooms = Room.objects.filter(site__in=sites).select_related("site")
        self.fields["rooms"].queryset = rooms.order_by("site__name", "name")
        # Every hospital has an X-ray 1.
        self.fields["rooms"].label_from_instance = lambda room: f"{room.site}: {room.name}"

    def clean(self) -> dict[str, Any]:
        """The rooms are of the site."""
        data = super().clean() or {}
        if data.get("site") and any(r.site_id != data["site"].pk for r in data.get("rooms") or ()):
            self.add_error("rooms", "Choose rooms of the site only.")
        return data


class KeepForm(forms.Form):
    """Keep a version."""

    note = forms.CharField(max_length=300, label="Why this version is kept")


class WriteForm(forms.Form):
    """What the adviser adds before the paper is written."""

    summary = forms.CharField(
        label="Advice, in your words", widget=forms.Textarea({"rows": 5}), max_length=4000,
        help_text="What is planned, what you advise, and what it depends on.",
    )  # fmt: skip
    owner = forms.CharField(label="Who sees to the building", max_length=120,
                            initial="Estates project manager")  # fmt: skip
    due = forms.DateField(label="Confirm what was built by", widget=DayInput)
    amend_reason = forms.CharField(
        label="Why the issued paper is replaced", required=False, max_length=400
    )

    def clean_due(self) -> date:
        """Nothing is asked for by a day that is over."""
        due: date = self.cleaned_data["due"]
        if due < timezone.localdate():
            raise forms.ValidationError("This day is over.")
        return due
