"""Sources."""

from __future__ import annotations

from typing import Any

from django import forms

from kerma.service.doses.models import Source

_WORDS = "with commas; empty: all"


class SourceForm(forms.Form):
    """A new source; only the fields of its kind are used."""

    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(choices=Source.KINDS)
    host = forms.CharField(label="PACS: address", required=False)
    port = forms.IntegerField(label="PACS: port", required=False, min_value=1, max_value=65535)
    title = forms.CharField(label="PACS: its title", required=False, max_length=16)
    own_title = forms.CharField(label="PACS: our title", required=False, max_length=16)
    move_to = forms.CharField(
        label="PACS: move to", required=False, max_length=16,
        help_text="title of our listener; empty: the PACS is asked to send directly (C-GET)",
    )  # fmt: skip
    url = forms.CharField(label="Orthanc: address", required=False, max_length=200)
    user = forms.CharField(label="Orthanc: user", required=False, max_length=80)
    modalities = forms.CharField(required=False, help_text=_WORDS)
    stations = forms.CharField(required=False, help_text=_WORDS)

    def settings(self) -> dict[str, Any]:
        """Return what was given, lists as lists."""
        data = {k: v for k, v in self.cleaned_data.items() if v not in ("", None)}
        for name in ("modalities", "stations"):
            if name in data:
                data[name] = [w.strip() for w in data[name].split(",") if w.strip()]
        return data
