"""Apply the rules of ``data/rules.yaml`` to the facts about a person.

The rules are data; this module only knows how to read conditions. A refusal names the rule and
what is missing, so that the person refused knows whom to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.authority.facts import PersonFacts
from kerma.core import InputError, NotEntitled


@dataclass(frozen=True, slots=True)
class Context:
    """What the act is about.

    Attributes
    ----------
    work
        Key under ``works`` in the rules.
    on
        The day of the act; credentials are judged as they stood then.
    modality, employer
        Of the system concerned; empty where the work has none.
    performed, checked
        Ids of persons who have already signed so.
    """

    work: str
    on: date
    modality: str = ""
    employer: str = ""
    employer_name: str = ""
    task: str = "survey"
    performed: frozenset[str] = field(default_factory=frozenset)
    checked: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an act is allowed, under which rule, and what is missing if not."""

    allowed: bool
    rule: str
    missing: tuple[str, ...] = ()
    message: str = ""


@cache
def rulebook() -> Mapping[str, Any]:
    """Return the rules as loaded from the package's data."""
    text = resources.files("kerma.authority").joinpath("data/rules.yaml").read_text("utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _act(work: str, act: str) -> tuple[str, Mapping[str, Any]]:
    works = rulebook()["works"]
    name: str | None = work
    while name:
        if name not in works:
            raise InputError(f"There is no rule for “{name}”.", code="unknown-work")
        if act in works[name]["acts"]:
            return f"{work}.{act}", works[name]["acts"][act]
        name = works[name].get("inherit")
    raise InputError(f"“{act}” is not an act of “{work}”.", code="unknown-act")


def allowed(act: str, person: PersonFacts, context: Context) -> Decision:
    """Decide whether a person may do an act; never raises for a refusal."""
    rule, body = _act(context.work, act)
    title = rulebook()["works"][context.work]["title"]
    if not person.active:
        return _refused(rule, title, act, person, ("an active account",))
    for kind in body.get("apart_from", ()):
        if person.id in getattr(context, kind):
            who = f"someone other than the person who {kind} it"
            return _refused(rule, title, act, person, (who,))
    shortfalls = [_shortfall(option, person, context) for option in body["options"]]
    if any(not s for s in shortfalls):
        return Decision(True, rule)
    return _refused(rule, title, act, person, min(shortfalls, key=len))


def require(act: str, person: PersonFacts, context: Context) -> Decision:
    """Decide, and raise when the answer is no.

    Raises
    ------
    NotEntitled
        Names the rule and what is missing.
    """
    decision = allowed(act, person, context)
    if not decision.allowed:
        raise NotEntitled(decision.message, rule=decision.rule, missing="; ".join(decision.missing))
    return decision


def _refused(
    rule: str, title: str, act: str, person: PersonFacts, missing: tuple[str, ...]
) -> Decision:
    message = (
        f"{person.name} may not {act} this ({title[:1].lower()}{title[1:]}). "
        f"Rule {rule} asks for {' and '.join(missing)}."
    )
    return Decision(False, rule, missing, message)


def _shortfall(option: Mapping[str, Any], person: PersonFacts, context: Context) -> tuple[str, ...]:
    book = rulebook()
    missing: list[str] = []
    if "roles" in option and person.role not in option["roles"]:
        names = [book["roles"][r].lower() for r in option["roles"]]
        missing.append(f"the role of {' or '.join(names)}")
    if "credential" in option:
        missing += _credential_gap(option["credential"], person, context)
    if "authorisation" in option and not _authorised(option["authorisation"], person, context):
        level, modality = option["authorisation"], context.modality or "this"
        missing.append(f"an authorisation at level “{level}” for {modality}")
    if "appointment" in option and not any(
        a.role == option["appointment"] and a.covers(context.employer, context.modality, context.on)
        for a in person.appointments
    ):
        missing.append(
            f"an appointment as {option['appointment']} by "
            f"{context.employer_name or 'the employer concerned'}"
            + (f" covering {context.modality}" if context.modality else "")
        )
    return tuple(missing)


def _credential_gap(types: list[str], person: PersonFacts, context: Context) -> list[str]:
    held = [c for c in person.credentials if c.type in types]
    if any(c.current(context.on) for c in held):
        return []
    names = " or ".join(rulebook()["credentials"][t] for t in types)
    lapsed = [c.expires for c in held if c.expires and c.expires < context.on]
    if lapsed:
        when = max(lapsed)
        return [f"a current {names} (expired {when.day} {when:%b %Y})"]
    return [f"a current {names}"]


def _authorised(level: str, person: PersonFacts, context: Context) -> bool:
    order = rulebook()["levels"]
    return any(
        a.task == context.task
        and a.modality in ("*", context.modality)
        and a.current(context.on)
        and order.index(a.level) >= order.index(level)
        for a in person.authorisations
    )


def titles(person: PersonFacts, on: date) -> list[tuple[str, str]]:
    """Return the titles that may be printed on a day, each with the credential's number.

    A person without a current credential is printed with the job role alone (gate G12), and a
    protected title is never given by role.
    """
    found = []
    for entry in rulebook()["titles"]:
        if "roles" in entry and person.role not in entry["roles"]:
            continue
        for credential in person.credentials:
            if credential.type == entry["credential"] and credential.current(on):
                number = credential.number
                if not number.startswith(credential.type):
                    number = f"{credential.type} {number}"
                found.append((str(entry["title"]), number))
                break
    return found or [(_unprotected(person.role), "")]


def _unprotected(role: str) -> str:
    protected = {"clinical_scientist": "Healthcare scientist", "consultant": "Healthcare scientist"}
    return protected.get(role) or str(rulebook()["roles"].get(role, role))
