"""The register of test instruments and their calibration certificates."""

from __future__ import annotations

from datetime import date

from django.db import models

from kerma.service.records.sealing import sealed

_CAPITALS = {"ct": "CT", "kap": "KAP", "dap": "KAP", "hvl": "HVL", "ccd": "CCD"}


def kind_text(kind: str) -> str:
    """Return a kind of instrument as a person writes it: ``ct_chamber`` is “CT chamber”."""
    words = " ".join(_CAPITALS.get(w.lower(), w) for w in kind.replace("_", " ").split())
    return words[:1].upper() + words[1:]


@sealed
class Instrument(models.Model):
    """A meter, a phantom or a tape: anything a reading names."""

    key = models.SlugField(unique=True)
    kind = models.CharField(max_length=40)
    manufacturer = models.CharField(max_length=120)
    model = models.CharField(max_length=120)
    serial = models.CharField(max_length=80)
    needs_calibration = models.BooleanField(default=True)
    quarantined_on = models.DateField(null=True, blank=True)
    quarantine_reason = models.CharField(max_length=200, blank=True)
    retired_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "serial"]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.model}, {self.serial}"

    @property
    def kind_text(self) -> str:
        """The kind as a person writes it: “Tape measure”."""
        return kind_text(self.kind)


@sealed
class Certificate(models.Model):
    """A calibration certificate, in force from its date to its due date."""

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="certificates"
    )
    number = models.CharField(max_length=60)
    laboratory = models.CharField(max_length=120)
    accreditation = models.CharField(max_length=60, blank=True)
    calibrated_on = models.DateField()
    due_on = models.DateField()
    document = models.ForeignKey(
        "records.Attachment", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["instrument", "-calibrated_on"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "number"], name="certificate_once")
        ]

    def __str__(self) -> str:
        return self.number

    def in_force(self, on: date) -> bool:
        """Return whether it covers a day; the due day still counts."""
        return self.calibrated_on <= on <= self.due_on


@sealed
class Factor(models.Model):
    """A calibration factor: corrected value = indicated value × factor."""

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="factors")
    quantity = models.CharField(max_length=40, help_text="for example air kerma, tube voltage")
    factor = models.FloatField()
    u_percent = models.FloatField(help_text="expanded uncertainty in per cent", null=True)
    k = models.FloatField(default=2)
    beam_quality = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return f"{self.quantity}: {self.factor}"
