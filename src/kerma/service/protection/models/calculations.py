"""Calculations kept as they were made."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


@sealed
class SavedCalculation(AppendOnly):
    """A calculation with what was typed and everything it was worked out from.

    Another edition of the data or of the method is another row, which may name the one it replaces.
    """

    calculator = models.CharField(max_length=60, db_index=True, help_text="key of the calculator")
    title = models.CharField(max_length=200)
    about = models.CharField(max_length=1000, blank=True, help_text="what it is for")
    system = models.ForeignKey(
        "estate.System", null=True, on_delete=models.PROTECT, related_name="calculations"
    )
    room = models.ForeignKey(
        "estate.Room", null=True, on_delete=models.PROTECT, related_name="calculations"
    )
    inputs = models.JSONField(help_text="by name of the field, exactly as typed, with units")
    method = models.CharField(max_length=80)
    version = models.CharField(max_length=20)
    value = models.FloatField()
    u = models.FloatField(null=True)
    unit = models.CharField(max_length=40)
    record = models.JSONField(help_text="inputs, budget, rows used, assumptions, limits, working")
    record_sha256 = models.CharField(max_length=64)
    result_sha256 = models.CharField(
        max_length=64, help_text="of everything but the version of the package"
    )
    rests_on = models.JSONField(help_text="rows of reference data by id, with their hash")
    replaces = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="why it replaces another")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["by", "-id"], name="calculation_by_person")]

    def __str__(self) -> str:
        return self.title


@sealed
class CalculationPaper(AppendOnly):
    """One calculation a paper reports."""

    paper = models.ForeignKey(
        "records.Paper", on_delete=models.PROTECT, related_name="calculations"
    )
    calculation = models.ForeignKey(
        SavedCalculation, on_delete=models.PROTECT, related_name="papers"
    )

    order = models.PositiveSmallIntegerField(help_text="its place in the paper, from 1")

    class Meta:
        ordering = ["paper", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "calculation"], name="calculation_once_in_paper"
            )
        ]

    def __str__(self) -> str:
        return f"{self.calculation} in {self.paper.report.number}"
