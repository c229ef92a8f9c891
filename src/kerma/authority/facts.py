"""What the rules need to know of a person, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class CredentialFact:
    """A certificate or registration.

    `expires` may be ``None``: recognition as MPE is moving to continuous certification without an
    expiry date, so none is assumed.
    """

    type: str
    number: str
    issued: date
    expires: date | None = None
    withdrawn: date | None = None

    def current(self, on: date) -> bool:
        """Return whether it counts on a day; the day of expiry still does."""
        ends = [d for d in (self.expires, self.withdrawn) if d]
        return self.issued <= on and all(on <= d for d in ends)


@dataclass(frozen=True, slots=True)
class AuthorisationFact:
    """The service's own authorisation of a person for a task in a modality (``*`` = all)."""

    task: str
    modality: str
    level: str
    given: date
    revoked: date | None = None

    def current(self, on: date) -> bool:
        """Return whether it counts on a day."""
        return self.given <= on and (self.revoked is None or on < self.revoked)


@dataclass(frozen=True, slots=True)
class AppointmentFact:
    """An employer's written appointment; empty `modalities` means every modality."""

    employer: str
    role: str
    modalities: tuple[str, ...]
    start: date
    end: date | None = None

    def covers(self, employer: str, modality: str, on: date) -> bool:
        """Return whether it is by that employer, for that modality, on that day."""
        return (
            self.employer == employer
            and self.start <= on
            and (self.end is None or on <= self.end)
            and (not self.modalities or modality in self.modalities)
        )


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person as the rules see them."""

    id: str
    name: str
    role: str
    active: bool = True
    credentials: tuple[CredentialFact, ...] = ()
    authorisations: tuple[AuthorisationFact, ...] = ()
    appointments: tuple[AppointmentFact, ...] = ()
