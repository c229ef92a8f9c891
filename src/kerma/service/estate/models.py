"""Employers, sites, rooms, systems and their components."""

from __future__ import annotations

from django.db import models

from kerma.service.records.sealing import sealed

MODALITIES = [
    ("radiography", "General radiography (DR)"),
    ("cr", "Computed radiography"),
    ("mobile", "Mobile radiography"),
    ("fluoroscopy", "Fluoroscopy"),
    ("interventional", "Interventional"),
    ("ct", "Computed tomography"),
    ("cbct_dental", "Dental cone-beam CT"),
    ("cbct_other", "Cone-beam CT"),
    ("mammography", "Mammography"),
    ("tomosynthesis", "Tomosynthesis"),
    ("dental_intraoral", "Dental intra-oral"),
    ("dental_panoramic", "Dental panoramic"),
    ("dental_cephalometric", "Dental cephalometric"),
    ("dexa", "Bone densitometry (DEXA)"),
    ("display", "Display"),
]


class Employer(models.Model):
    """Who holds the legal duties (IRR17 employer; IR(ME)R employer)."""

    NATIONS = [(n, n) for n in ("England", "Scotland", "Wales", "Northern Ireland")]

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=160)
    nation = models.CharField(max_length=20, choices=NATIONS, default="England")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A place where an employer uses equipment."""

    employer = models.ForeignKey(Employer, on_delete=models.PROTECT, related_name="sites")
    key = models.SlugField(unique=True)
    name = models.CharField(max_length=160)
    address = models.CharField(max_length=240, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    """A room with its designation under IRR17."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="rooms")
    key = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    designation = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["site", "name"]

    def __str__(self) -> str:
        return self.name


@sealed
class System(models.Model):
    """An X-ray installation. Holds the inventory fields of IR(ME)R 2017 reg 15(2)."""

    STATUS = [
        ("not_released", "Not released for clinical use"),
        ("in_use", "In use"),
        ("conditions", "In use with conditions"),
        ("suspended", "Suspended"),
        ("withdrawn", "Withdrawn"),
    ]

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="systems")
    asset = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=30, choices=MODALITIES)
    manufacturer = models.CharField(max_length=120)
    model = models.CharField(max_length=120)
    serial = models.CharField(max_length=80)
    software = models.CharField(max_length=80, blank=True)
    manufactured = models.PositiveSmallIntegerField("year of manufacture", null=True, blank=True)
    installed = models.PositiveSmallIntegerField("year of installation", null=True, blank=True)
    clinical_use = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, choices=STATUS, default="not_released")
    withdrawn_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["asset"]

    def __str__(self) -> str:
        return f"{self.asset} {self.name}"

    @property
    def employer(self) -> Employer:
        """The employer responsible for it."""
        return self.room.site.employer

    @property
    def inventory_gaps(self) -> list[str]:
        """Names of the fields IR(ME)R 2017 reg 15(2) asks for that are empty."""
        wanted = {
            "manufacturer": self.manufacturer,
            "model": self.model,
            "serial number": self.serial,
            "year of manufacture": self.manufactured,
            "year of installation": self.installed,
        }
        return [name for name, value in wanted.items() if not value]


class Component(models.Model):
    """A part with its own serial and dates: tube, generator, detector, KAP meter, display."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="components")
    kind = models.CharField(max_length=30)
    manufacturer = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120, blank=True)
    serial = models.CharField(max_length=80, blank=True)
    installed_on = models.DateField(null=True, blank=True)
    removed_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["system", "kind", "installed_on"]

    def __str__(self) -> str:
        return f"{self.kind} {self.serial}".strip()

    @property
    def kind_text(self) -> str:
        """The kind as a person writes it: “Tube”, “KAP meter”."""
        words = self.kind.replace("_", " ")
        known = {"dap meter": "KAP meter", "kap meter": "KAP meter"}
        return known.get(words.lower(), words[:1].upper() + words[1:])


class SystemEvent(models.Model):
    """Something that happened to a system: a tube change, a service, new software."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="events")
    on = models.DateField()
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    recorded_by = models.ForeignKey(
        "people.Person", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-on", "-id"]

    def __str__(self) -> str:
        return f"{self.on}: {self.text}"


class DicomIdentity(models.Model):
    """How a system signs its DICOM objects, between two dates. Empty fields are not compared."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="dicom_identities")
    serial = models.CharField(max_length=80, blank=True)
    station = models.CharField(max_length=40, blank=True)
    observer_uid = models.CharField(max_length=80, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.station or self.serial or self.observer_uid
