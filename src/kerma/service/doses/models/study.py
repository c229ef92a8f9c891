"""Patient studies, their irradiation events, the objects they came from, and the quarantine.

Missing numbers are NULL, never zero. Identifiers are keyed hashes; the key is not in the database.
"""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


class Study(models.Model):
    """One attendance: every report and image that carries its Study Instance UID."""

    study_uid = models.CharField(max_length=128, unique=True)
    system = models.ForeignKey(
        "estate.System", null=True, on_delete=models.PROTECT, related_name="studies"
    )
    patient_key = models.CharField(max_length=64, blank=True, db_index=True)
    accession_key = models.CharField(max_length=64, blank=True, db_index=True)
    modality = models.CharField(max_length=16, db_index=True)
    date = models.DateField(null=True, db_index=True)
    time = models.TimeField(null=True)
    description = models.CharField(max_length=200, blank=True)
    sex = models.CharField(max_length=16, blank=True)
    age_years = models.FloatField(null=True)
    height_m = models.FloatField(null=True)
    mass_kg = models.FloatField(null=True)
    not_patient = models.CharField(max_length=200, blank=True)
    manufacturer = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120, blank=True)
    station = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=80, blank=True)
    observer_uid = models.CharField(max_length=80, blank=True)
    event_count = models.PositiveIntegerField(default=0)
    dlp_mgy_cm = models.FloatField(null=True)
    kap_gy_m2 = models.FloatField(null=True)
    dose_rp_gy = models.FloatField(null=True)
    fluoro_time_s = models.FloatField(null=True)
    agd_left_mgy = models.FloatField(null=True)
    agd_right_mgy = models.FloatField(null=True)
    record = models.BinaryField(help_text="the merged typed record, without identifiers")
    operator_key = models.CharField(max_length=64, blank=True)
    standard_name = models.ForeignKey(
        "doses.StandardName", null=True, on_delete=models.PROTECT, related_name="studies"
    )
    named_by = models.PositiveIntegerField(null=True, help_text="naming version; none: by hand")
    changed_at = models.DateTimeField(
        null=True, db_index=True, help_text="when the columnar copy has to look at it again"
    )

    class Meta:
        ordering = ["-date", "-time", "-id"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return f"{self.modality} {self.description} {self.date}"


@sealed
class StudyEdit(AppendOnly):
    """A person's correction of one fact of a study; it stands over whatever arrives later."""

    FIELDS = [
        ("height_m", "Height"),
        ("mass_kg", "Mass"),
        ("standard_name", "Standard name"),
        ("not_patient", "Not a patient"),
        ("modality", "Kind"),
    ]

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="edits")
    field = models.CharField(max_length=20, choices=FIELDS)
    value = models.CharField(max_length=200, blank=True)
    was = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300)
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_field_display()}: {self.value}"


class DoseEvent(models.Model):
    """One irradiation event of a study."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="events")
    uid = models.CharField(max_length=128)
    order = models.PositiveIntegerField()
    type = models.CharField(max_length=80, blank=True)
    protocol = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True)
    ctdivol_mgy = models.FloatField(null=True)
    ctdi_phantom = models.CharField(max_length=40, blank=True)
    dlp_mgy_cm = models.FloatField(null=True)
    kap_gy_m2 = models.FloatField(null=True)
    dose_rp_gy = models.FloatField(null=True)
    agd_mgy = models.FloatField(null=True)
    kvp_kv = models.FloatField(null=True)

    class Meta:
        ordering = ["study", "order"]
        constraints = [models.UniqueConstraint(fields=["study", "uid"], name="dose_event_once")]

    def __str__(self) -> str:
        return f"{self.type or 'event'} {self.order}"


class DoseObject(models.Model):
    """A DICOM object that was read and stored, known by its content.

    SOP Instance UIDs should be unique and in practice are not: edited copies keep them.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    sop_uid = models.CharField(max_length=128, db_index=True)
    sop_class = models.CharField(max_length=128)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="objects_read")
    stored_at = models.DateTimeField()
    warnings = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.sop_uid


class Quarantined(models.Model):
    """A file that could not be stored, with the reason; it can be tried again."""

    STATUS = [
        ("refused", "Refused: not a dose report"),
        ("quarantined", "Quarantined"),
        ("resolved", "Resolved"),
        ("dismissed", "Dismissed"),
    ]

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=240)
    status = models.CharField(max_length=12, choices=STATUS, db_index=True)
    code = models.CharField(max_length=60)
    reason = models.CharField(max_length=600)
    attempts = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    dismissed_by = models.ForeignKey(
        "people.Person", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-last_at"]
        verbose_name = "quarantined file"

    def __str__(self) -> str:
        return self.name
