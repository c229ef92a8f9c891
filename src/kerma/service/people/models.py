"""Persons, what they hold, and what employers have appointed them to."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from kerma.service.records.sealing import sealed

ROLES = [
    ("assistant", "Healthcare science assistant"),
    ("technologist", "Clinical technologist"),
    ("senior_technologist", "Senior clinical technologist"),
    ("trainee_scientist", "Trainee healthcare scientist"),
    ("clinical_scientist", "Clinical scientist"),
    ("consultant", "Consultant clinical scientist"),
    ("service_manager", "Service manager"),
    ("quality_manager", "Quality manager"),
    ("administrator", "Administrator"),
    ("hospital_user", "Hospital user"),
]


@sealed
class Person(models.Model):
    """Somebody who acts: staff of the service, or of a hospital it serves."""

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=30, choices=ROLES)
    employer = models.ForeignKey(
        "estate.Employer",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Set for hospital users; empty for staff of the service.",
    )
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    joined = models.DateField(null=True, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_hospital(self) -> bool:
        """Whether the person belongs to a hospital and so sees only its records."""
        return self.role == "hospital_user"


class User(AbstractUser):
    """A sign-in. Everything Kerma records names the person, not the sign-in."""

    person = models.OneToOneField(Person, null=True, blank=True, on_delete=models.PROTECT)
    shortcuts = models.BooleanField(default=True, help_text="Single-key shortcuts are on.")

    @property
    def display_name(self) -> str:
        """The person's name, or the sign-in's own when it belongs to nobody."""
        return str(self.person) if self.person else self.get_full_name() or self.username

    @property
    def role_line(self) -> str:
        """What may be printed under the name today: “Clinical scientist · MPE, RPA”."""
        from kerma.service.people.selectors import role_line

        return role_line(self.person, timezone.localdate()) if self.person else ""


@sealed
class Credential(models.Model):
    """A registration or certificate; `expires` is empty for continuous certification."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="credentials")
    type = models.CharField(max_length=20)
    number = models.CharField(max_length=60)
    issuing_body = models.CharField(max_length=120)
    scope = models.CharField(max_length=200, blank=True)
    issued = models.DateField()
    expires = models.DateField(null=True, blank=True)
    last_annual_declaration = models.DateField(null=True, blank=True)
    withdrawn = models.DateField(null=True, blank=True)
    verified_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verified_on = models.DateField(null=True, blank=True)
    evidence = models.ForeignKey(
        "records.Attachment", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["person", "type"]

    def __str__(self) -> str:
        return f"{self.type} {self.number}"


@sealed
class Authorisation(models.Model):
    """The service's own authorisation of a person for a task in a modality."""

    LEVELS = [(v, v) for v in ("observe", "supervised", "independent", "approve")]

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="authorisations")
    task = models.CharField(max_length=40, default="survey")
    modality = models.CharField(max_length=40, help_text="* for every modality")
    level = models.CharField(max_length=20, choices=LEVELS)
    assessor = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    given = models.DateField()
    review_due = models.DateField(null=True, blank=True)
    revoked = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.modality}: {self.level}"


@sealed
class Appointment(models.Model):
    """An employer's written appointment of a person as RPA, MPE, RWA or RPS."""

    ROLES = [
        ("MPE", "Medical Physics Expert"),
        ("RPA", "Radiation Protection Adviser"),
        ("RWA", "Radioactive Waste Adviser"),
        ("RPS", "Radiation Protection Supervisor"),
    ]

    employer = models.ForeignKey(
        "estate.Employer", on_delete=models.PROTECT, related_name="appointments"
    )
    role = models.CharField(max_length=4, choices=ROLES)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="appointments")
    scope = models.CharField(max_length=200)
    modalities = models.JSONField(default=list, blank=True)
    start = models.DateField()
    end = models.DateField(null=True, blank=True)
    deputies = models.ManyToManyField(Person, blank=True, related_name="deputising")
    letter = models.ForeignKey(
        "records.Attachment", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.role} to {self.employer}"


class ModalityLead(models.Model):
    """The scientist who oversees testing of one modality."""

    modality = models.CharField(max_length=40)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="leads")
    start = models.DateField()
    end = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["modality", "start"]

    def __str__(self) -> str:
        return f"{self.modality}: {self.person}"


class SiteContact(models.Model):
    """A site's dedicated contact, and the person who covers when that contact is away."""

    site = models.ForeignKey("estate.Site", on_delete=models.PROTECT, related_name="contacts")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="site_contacts")
    cover = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="covers"
    )
    start = models.DateField()
    end = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.site}: {self.person}"


class Absence(models.Model):
    """Days on which a person is away."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="absences")
    start = models.DateField()
    end = models.DateField()
    reason = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return f"{self.person}: {self.start} to {self.end}"


@sealed
class ApiToken(models.Model):
    """What another system signs in with as a person; the token itself is not kept, its hash is."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ends = models.DateField(help_text="the first day on which it no longer counts")

    def __str__(self) -> str:
        return f"{self.name} of {self.person}"
