"""Dose alerts: the thresholds of the service, and each time one was passed."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


@sealed
class AlertRule(models.Model):
    """A threshold: of one study, of a patient's sum over some weeks, or of the skin."""

    KINDS = [
        ("study", "One study"),
        ("cumulative", "A patient's studies together"),
        ("skin", "Peak skin dose of a study"),
    ]

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=KINDS, default="study")
    modality = models.CharField(max_length=16, blank=True)
    standard = models.ForeignKey(
        "doses.StandardName", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    system = models.ForeignKey(
        "estate.System", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    employer = models.ForeignKey(
        "estate.Employer", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    quantity = models.CharField(max_length=12)
    threshold = models.FloatField()
    unit = models.CharField(max_length=20)
    weeks = models.PositiveSmallIntegerField(null=True, blank=True)
    source = models.CharField(max_length=300, help_text="whose threshold this is, and why")
    set_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "-set_at"]

    def __str__(self) -> str:
        return self.name


@sealed
class Alert(models.Model):
    """One passing of a threshold; there is never a second one of the same rule and study."""

    STATES = [
        ("raised", "Raised"),
        ("acknowledged", "Acknowledged"),
        ("investigated", "Investigated"),
        ("closed", "Closed"),
    ]

    rule = models.ForeignKey(AlertRule, on_delete=models.PROTECT, related_name="alerts")
    study = models.ForeignKey("doses.Study", on_delete=models.PROTECT, related_name="alerts")
    value = models.FloatField()
    unit = models.CharField(max_length=20)
    studies = models.JSONField(default=list, help_text="studies a cumulative alert adds up")
    raised_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=STATES, default="raised", db_index=True)
    incident = models.CharField(max_length=120, blank=True, help_text="reference of the incident")

    class Meta:
        ordering = ["-raised_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["rule", "study"], name="alert_once")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.value:g} {self.unit}"


@sealed
class AlertEntry(AppendOnly):
    """What somebody did about an alert; notices sent are entries too."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=Alert.STATES)
    text = models.CharField(max_length=1000)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
