"""Skin dose: how a room's geometry reads, and the maps made with it."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


@sealed
class RoomProfile(models.Model):
    """What must be known of a room to place its beams on a patient; each commissioning is a row."""

    STATUS = [("indicative", "Indicative"), ("validated", "Validated"), ("refused", "Refused")]

    system = models.ForeignKey(
        "estate.System", on_delete=models.PROTECT, related_name="skin_profiles"
    )
    profile = models.JSONField(help_text="signs, offsets, reference point, calibration, table")
    profile_sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=STATUS)
    valid_from = models.DateField()
    ended_on = models.DateField(null=True)
    reason = models.CharField(max_length=600, help_text="what was measured, and how it compared")
    evidence = models.ForeignKey(
        "records.Attachment", null=True, on_delete=models.PROTECT, related_name="+"
    )
    set_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["system", "-valid_from", "-id"]

    def __str__(self) -> str:
        return f"{self.get_status_display()} from {self.valid_from}"


class SkinDose(AppendOnly):
    """A map of one study, or the reason there is none; a later one does not change it."""

    study = models.ForeignKey("doses.Study", on_delete=models.CASCADE, related_name="skin_doses")
    profile = models.ForeignKey(
        RoomProfile, null=True, on_delete=models.PROTECT, related_name="maps"
    )
    status = models.CharField(max_length=12)
    reason = models.CharField(max_length=600, blank=True)
    peak_mgy = models.FloatField(null=True)
    low_mgy = models.FloatField(null=True)
    high_mgy = models.FloatField(null=True)
    record = models.BinaryField(help_text="the whole map with its assumptions, compressed")
    version = models.CharField(max_length=40)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"skin dose of study {self.study_id}"
