"""Forms of the patient dose room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from kerma.service.doses.ingest import LARGEST
from kerma.service.doses.models import Quarantined, Study
from kerma.service.doses.selectors import UNKNOWN
from kerma.service.estate.models import System
from kerma.service.web.form_page import DayInput

Choices = Iterable[tuple[str, str]]
ANY = ("", "Any")


class StudyFilter(forms.Form):
    """Narrow the list of studies."""

    q = forms.CharField(label="Description, station, system", required=False)
    since = forms.DateField(label="From", required=False, widget=DayInput)
    until = forms.DateField(label="To", required=False, widget=DayInput)
    modality = forms.ChoiceField(required=False)
    site = forms.ChoiceField(required=False)
    system = forms.ChoiceField(required=False)
    measure = forms.ChoiceField(
        label="Dose",
        required=False,
        choices=[
            ANY,
            ("dlp", "DLP, mGy cm"),
            ("kap", "KAP, Gy cm²"),
            ("dose_rp", "Dose at RP, mGy"),
            ("agd", "AGD, mGy"),
        ],
    )
    least = forms.FloatField(
        label="At least", required=False, min_value=0, widget=forms.TextInput({"size": 6})
    )
    who = forms.ChoiceField(
        label="Examined",
        required=False,
        choices=[("", "Anybody"), ("patients", "Patients"), ("others", "Not a patient")],
    )
    patient = forms.CharField(required=False, widget=forms.HiddenInput)
    device = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, modalities: Iterable[str], sites: Choices, systems: Choices, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["modality"].choices = [ANY, *((m, m) for m in modalities)]
        self.fields["site"].choices = [ANY, *sites]
        self.fields["system"].choices = [ANY, (UNKNOWN, "Unknown device"), *systems]

    def clean(self) -> dict[str, Any]:
        """A least dose says of what."""
        data = super().clean() or {}
        if data.get("least") is not None and not data.get("measure"):
            self.add_error("measure", "Choose which dose this is.")
        return data


class QuarantineFilter(forms.Form):
    """Narrow the files that were not stored."""

    q = forms.CharField(label="File, reason", required=False)
    status = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Waiting"), *Quarantined.STATUS, ("all", "All")],
    )


class ManyFiles(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Check each file; one that is too large is named."""
        given = data or [None]
        files = [super(FilesField, self).clean(item, initial) for item in given]
        for file in files:
            if file.size > LARGEST:
                raise forms.ValidationError(f"{file.name} is larger than {LARGEST // 2**20} MB.")
        return files


class UploadForm(forms.Form):
    """Dose reports to read."""

    files = FilesField(
        label="Choose files, or drop them here",
        help_text="DICOM dose reports (SR) or images that carry dose in their header.",
    )


class AliasForm(forms.Form):
    """Which system an unknown device is, and how it is recognised from now on."""

    system = forms.ModelChoiceField(System.objects.none(), empty_label="Choose")
    serial = forms.BooleanField(required=False)
    station = forms.BooleanField(required=False)
    valid_from = forms.DateField(
        label="First day",
        required=False,
        widget=DayInput,
        help_text="Empty: for as long as there are studies. Give it when the device was moved.",
    )

    def __init__(self, *args: Any, example: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        systems = System.objects.exclude(status="withdrawn").select_related("room__site")
        self.fields["system"].queryset = systems
        for name in ("serial", "station"):
            value = getattr(example, name)
            if value:
                word = "serial number" if name == "serial" else "station name"
                self.fields[name].label = f"Recognise it by its {word} {value}"
            else:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Something must be compared."""
        data = super().clean() or {}
        chosen = {name: bool(data.get(name)) for name in ("serial", "station")}
        if not any(chosen.values()):
            raise forms.ValidationError("Choose what the device is recognised by.")
        return {**data, **chosen}
