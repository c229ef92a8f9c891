"""What the processes of `test_races` do: ``python -m tests.service.racer <what> <words>``.

Each prints one line of JSON. Those that race say so with a file ``ready-…`` in the data folder and
wait for the file ``go``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kerma.service.config.start import start_service

SURVEYS = 8


def setup() -> dict[str, Any]:
    """Make the people, a survey to type in, surveys to issue, and a second approver."""
    from kerma.service.records import log
    from tests.service import cast as play
    from tests.service import factory

    who = play.cast()
    second = factory.person("consultant")
    held = [factory.credential(second, "MPE"), factory.appointment(second, who.ours)]
    log.append(
        actor=None, kind="test.cast", subject="service:test", text="Made", seals=[second, *held]
    )
    play.verify_rows(who)
    checked = [play.checked(who, "86", "86", "86", recommendation="conditions") for _ in range(4)]
    return {
        "typed": play.started(who).pk,
        "checked": [s.pk for s in checked],
        "measured": [play.measured(who).pk for _ in range(SURVEYS)],
        "technologist": who.technologist.key,
        "colleague": who.colleague.key,
        "checker": who.checker.key,
        "approvers": [who.approver.key, second.key],
    }


def _said(do: Callable[[], Any]) -> str:
    """Return “done”, or the code of the refusal."""
    from django.db import connection

    from kerma.core import KermaError

    try:
        do()
    except KermaError as error:
        return error.code
    finally:
        connection.close()
    return "done"


def _person(key: str) -> Any:
    from kerma.service.people.models import Person

    return Person.objects.get(key=key)


def _survey(pk: str) -> Any:
    from kerma.service.testing.models import Survey

    return Survey.objects.get(pk=int(pk))


def save(survey: str, key: str, text: str) -> str:
    """Type a value into a field that was empty when the page was opened."""
    from kerma.service.testing import services

    field = {"reading": "kv_80", "index": 0, "text": text, "seen": 0}
    return _said(lambda: services.reading_record(by=_person(key), survey=_survey(survey), **field))


def issue(survey: str, key: str) -> str:
    """Approve and issue."""
    from kerma.service.testing import actions as acts

    return _said(acts.IssueReport(survey=_survey(survey), by=_person(key)).perform)


def whole(signers: str, *surveys: str) -> list[str]:
    """Carry surveys from measured to issued, each in a thread of its own."""
    from kerma.service.testing import actions as acts

    performer, checker, approver = map(_person, signers.split(","))

    def carry(pk: str) -> str:
        def do() -> None:
            options = {"recommendation": "use"}
            acts.ComposeDraft(survey=_survey(pk), by=performer, **options).perform()
            acts.Submit(survey=_survey(pk), by=performer).perform()
            acts.Check(survey=_survey(pk), by=checker).perform()
            acts.IssueReport(survey=_survey(pk), by=approver).perform()

        return _said(do)

    with ThreadPoolExecutor(len(surveys)) as pool:
        return list(pool.map(carry, surveys))


def append(count: str) -> list[str]:
    """Write entries from four threads at once."""
    from kerma.service.records import log

    def one(i: int) -> str:
        return _said(
            lambda: log.append(actor=None, kind="race", subject="service:test", text=f"{i}")
        )

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(int(count))))


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(where: str, survey: str, key: str) -> str:
    """Issue, and be killed on the way."""
    from kerma.service.records import log
    from kerma.service.testing.actions import IssueReport
    from kerma.service.testing.actions import issue as module

    if where == "signed":
        module.build = _die
    elif where == "stored":
        module.action_open = _die
    elif where == "moved":
        IssueReport.move = _die  # type: ignore[method-assign]
    elif where == "committed":
        log._remember = _die
    return issue(survey, key)


def state() -> dict[str, Any]:
    """Say how things stand, and what does not agree."""
    from kerma.service.records.integrity import verify
    from kerma.service.records.models import Action, Event, Issue, Report, Signature
    from kerma.service.testing.models import Reading, Survey

    return {
        "states": dict(Survey.objects.values_list("pk", "state")),
        "issues": list(Issue.objects.values_list("subject", "number")),
        "numbers": list(Report.objects.values_list("number", flat=True)),
        "printed": [c["report_number"] for c in Issue.objects.values_list("content", flat=True)],
        "actions": list(Action.objects.values_list("issue__subject", flat=True)),
        "approved": list(
            Signature.objects.filter(meaning="approved").values_list("subject", flat=True)
        ),
        "live": list(Reading.objects.filter(struck_at=None).values_list("survey_id", "text")),
        "findings": [f.text for f in verify().findings],
        "races": Event.objects.filter(kind="race").count(),
    }


def tamper(survey: str) -> int:
    """Change one number of a stored result."""
    from kerma.service.testing.models import Result

    return Result.objects.filter(survey_id=int(survey), value__gt=1).update(value=1)


def onlooker() -> None:
    """Do what each line of the input names and print what came of it, until the input ends.

    For what is done between the races: it looks at the database with a new connection each time.
    """
    from django.db import connections

    for line in sys.stdin:
        what, *words = json.loads(line)
        done = {"setup": setup, "state": state, "tamper": tamper}[what](*words)
        connections.close_all()
        print(json.dumps(done), flush=True)


def main(what: str, *words: str) -> None:
    """Wait if asked to, do it, print what came of it."""
    start_service(migrate=what == "onlooker")
    if what == "onlooker":
        onlooker()
        return
    if os.environ.get("RACE") == "1":
        home = Path(os.environ["KERMA_HOME"])
        (home / f"ready-{os.getpid()}").touch()
        while not (home / "go").exists():
            time.sleep(0.002)
    acts: Sequence[Callable[..., Any]] = (save, issue, whole, append, killed)
    done = next(a for a in acts if a.__name__ == what)(*words)
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
