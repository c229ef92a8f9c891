"""Local reference levels and the audits they come from."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed

QUANTITIES = [
    ("dlp", "DLP"),
    ("ctdivol", "CTDIvol"),
    ("kap", "KAP"),
    ("dose_rp", "Dose at the reference point"),
    ("fluoro_time", "Fluoroscopy time"),
    ("agd", "Average glandular dose"),
]
STATISTICS = [("median", "Median"), ("p75", "75th percentile")]


@sealed
class Audit(AppendOnly):
    """Doses of one examination over a period, by system, as they were computed at one moment."""

    title = models.CharField(max_length=200)
    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="dose_audits"
    )
    standard = models.ForeignKey("doses.StandardName", on_delete=models.PROTECT, related_name="+")
    quantity = models.CharField(max_length=12, choices=QUANTITIES)
    statistic = models.CharField(max_length=8, choices=STATISTICS, default="median")
    since = models.DateField()
    until = models.DateField()
    choices = models.JSONField(help_text="bands of age and mass, exclusions, smallest sample")
    result = models.JSONField(help_text="groups with counts, percentiles and intervals, comparison")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


@sealed
class LocalLevel(models.Model):
    """A local reference level in force from a day on, with the audit and method it stands on."""

    audit = models.ForeignKey(Audit, on_delete=models.PROTECT, related_name="levels")
    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="local_levels"
    )
    system = models.ForeignKey(
        "estate.System", null=True, on_delete=models.PROTECT, related_name="local_levels"
    )
    standard = models.ForeignKey(
        "doses.StandardName", on_delete=models.PROTECT, related_name="local_levels"
    )
    quantity = models.CharField(max_length=12, choices=QUANTITIES)
    age_band = models.CharField(max_length=40, blank=True)
    mass_band = models.CharField(max_length=40, blank=True)
    phantom = models.CharField(max_length=40, blank=True)
    value = models.FloatField()
    unit = models.CharField(max_length=20)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    count = models.PositiveIntegerField()
    method = models.CharField(max_length=300)
    valid_from = models.DateField()
    set_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    issue = models.ForeignKey(
        "records.Issue", null=True, on_delete=models.PROTECT, related_name="local_levels"
    )
    ended_on = models.DateField(null=True)
    end_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["standard", "quantity", "age_band", "mass_band", "-valid_from"]

    def __str__(self) -> str:
        return f"{self.standard} {self.get_quantity_display()}: {self.value:g} {self.unit}"
