"""What the author proposes about each exceeded level: action, priority, owner, day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from kerma.service.testing.actions.base import Blocker

PRIORITY = {"Urgent": 1, "High": 2, "Routine": 3}
_ROOM = {"action": 400, "owner": 120}

Proposals = Mapping[str, Mapping[str, str]]


def problems(given: Proposals, *, exceeded: Collection[str], today: date) -> list[Blocker]:
    """Return what is wrong with proposals as typed; an empty field leaves the service's policy."""
    found: list[Blocker] = []
    for test, fields in given.items():
        if test not in exceeded:
            text = f"There is no exceeded level of a test “{test[:60]}” to propose something for."
            found.append(Blocker("unknown-test", text))
        for name, most in _ROOM.items():
            if len(fields.get(name, "")) > most or "\0" in fields.get(name, ""):
                text = f"The {name} proposed for {test} is too long: there is room for {most}."
                found.append(Blocker("too-long", text))
        if fields.get("priority") and fields["priority"] not in PRIORITY:
            text = f"The priority for {test} is one of {', '.join(PRIORITY)}."
            found.append(Blocker("bad-priority", text))
        if fields.get("due") and not _to_come(fields["due"], today):
            text = f"The day for {test} is a date from today on, such as {today.isoformat()}."
            found.append(Blocker("bad-due", text))
    return found


def standing(
    held: Proposals, *, exceeded: Collection[str], today: date
) -> dict[str, dict[str, str]]:
    """Return what still applies of proposals made earlier: a day that has passed does not."""
    return {
        test: {k: v for k, v in fields.items() if k != "due" or _to_come(v, today)}
        for test, fields in held.items()
        if test in exceeded
    }


def _to_come(text: str, today: date) -> bool:
    try:
        return date.fromisoformat(text) >= today
    except ValueError:
        return False
