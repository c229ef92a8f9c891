"""Who may sign what: rules as data, and the one function that applies them."""

from kerma.authority.facts import AppointmentFact, AuthorisationFact, CredentialFact, PersonFacts
from kerma.authority.rules import Context, Decision, allowed, require, titles

__all__ = [
    "AppointmentFact",
    "AuthorisationFact",
    "Context",
    "CredentialFact",
    "Decision",
    "PersonFacts",
    "allowed",
    "require",
    "titles",
]
