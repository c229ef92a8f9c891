"""Dose in the body, worked out from a study by a named method."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


@sealed
class Estimate(AppendOnly):
    """An estimate with everything it was worked out from; another method is another row."""

    KINDS = [
        ("ssde", "Size-specific dose estimate"),
        ("effective", "Effective dose"),
        ("fetal", "Fetal dose"),
        ("cumulative", "Cumulative dose of a patient"),
    ]

    study = models.ForeignKey("doses.Study", on_delete=models.PROTECT, related_name="estimates")
    kind = models.CharField(max_length=12, choices=KINDS)
    method = models.CharField(max_length=120)
    value = models.FloatField()
    u = models.FloatField(null=True)
    unit = models.CharField(max_length=20)
    record = models.JSONField(help_text="inputs, rows used, assumptions, limits of use, working")
    record_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value:g} {self.unit}"
