"""Shielding designs: a drawing being worked on, the versions kept of it, and what was built."""

from __future__ import annotations

from django.db import models

from kerma.service.records.models import AppendOnly
from kerma.service.records.sealing import sealed


@sealed
class Design(models.Model):
    """A design of the shielding of a room or of several.

    The drawing is worked on by several people over weeks and is not sealed; what a paper is
    written from is a version, which is. `revision` rises with each save, so that two people who
    draw at once cannot overwrite one another.
    """

    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="shielding_designs"
    )
    site = models.ForeignKey(
        "estate.Site", on_delete=models.PROTECT, related_name="shielding_designs"
    )
    rooms = models.ManyToManyField("estate.Room", blank=True, related_name="shielding_designs")
    title = models.CharField(max_length=160)
    about = models.TextField(blank=True, help_text="what is planned, and for whom")
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class Drawing(models.Model):
    """The drawing of a design as it stands."""

    design = models.OneToOneField(Design, on_delete=models.PROTECT, related_name="drawing")
    document = models.JSONField(help_text="the plan, its underlays, products and prices")
    revision = models.PositiveIntegerField(default=0)
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Drawing of {self.design}, revision {self.revision}"


@sealed
class DesignVersion(AppendOnly):
    """A drawing as it was when it was kept, with everything worked out from it."""

    design = models.ForeignKey(Design, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    document_sha256 = models.CharField(max_length=64)
    assessment = models.JSONField(help_text="findings, needs, sensitivity, rows used")
    assessment_sha256 = models.CharField(max_length=64)
    software = models.CharField(max_length=40)
    note = models.CharField(max_length=300, help_text="why it was kept")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["design", "number"], name="design_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.design}, version {self.number}"


@sealed
class Underlay(AppendOnly):
    """A drawing of the architect's that a plan is drawn over, as it was sent and as it is shown."""

    design = models.ForeignKey(Design, on_delete=models.PROTECT, related_name="underlays")
    original = models.ForeignKey("records.Attachment", on_delete=models.PROTECT, related_name="+")
    picture = models.ForeignKey("records.Attachment", on_delete=models.PROTECT, related_name="+")
    page = models.PositiveIntegerField(default=1)
    width = models.PositiveIntegerField(help_text="pixels")
    height = models.PositiveIntegerField(help_text="pixels")
    metres_per_pixel = models.FloatField(null=True, help_text="where the file itself states it")
    lines = models.JSONField(default=list, help_text="[x1, y1, x2, y2] in pixels, to draw upon")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.original.name


@sealed
class AsBuilt(AppendOnly):
    """A barrier measured after it was built, held against the version it was designed in."""

    version = models.ForeignKey(DesignVersion, on_delete=models.PROTECT, related_name="measured")
    barrier = models.CharField(max_length=60, help_text="its key in the drawing")
    name = models.CharField(max_length=160)
    measured_on = models.DateField()
    instrument = models.ForeignKey(
        "instruments.Instrument", null=True, on_delete=models.PROTECT, related_name="+"
    )
    readings = models.JSONField(help_text="as typed, with units")
    record = models.JSONField(help_text="the comparison with its working")
    record_sha256 = models.CharField(max_length=64)
    outcome = models.CharField(max_length=12)
    evidence = models.ForeignKey(
        "records.Attachment", null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "barrier as built"
        verbose_name_plural = "barriers as built"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} as built"


@sealed
class RoomEntry(AppendOnly):
    """What the register says of a room from a day on; the newest entry holds."""

    DESIGNATIONS = [
        ("controlled", "Controlled area"),
        ("supervised", "Supervised area"),
        ("undesignated", "Not designated"),
    ]

    room = models.ForeignKey("estate.Room", on_delete=models.PROTECT, related_name="register")
    designation = models.CharField(max_length=16, choices=DESIGNATIONS)
    when = models.CharField(max_length=160, blank=True, help_text="while the designation holds")
    signs = models.CharField(max_length=300, blank=True, help_text="warning signs and lights")
    local_rules = models.CharField(max_length=300, blank=True, help_text="address or number")
    supervisor = models.CharField(max_length=160, blank=True, help_text="named RPS")
    design = models.ForeignKey(
        Design, null=True, on_delete=models.PROTECT, related_name="register_entries"
    )
    valid_from = models.DateField()
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-valid_from", "-id"]

    def __str__(self) -> str:
        return f"{self.room}: {self.get_designation_display()} from {self.valid_from}"
