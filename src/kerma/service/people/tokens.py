"""Sign-in of other systems: a bearer token that stands for one person, and ends on a day."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import date

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from kerma.core import InputError
from kerma.service.people.entitlement import demand
from kerma.service.people.models import ApiToken, Person
from kerma.service.records import log

PREFIX = "/api/"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def token_make(*, by: Person | None, person: Person, name: str, ends: date) -> str:
    """Make a token for a person and return it; only its hash is kept, so it is shown once.

    Parameters
    ----------
    by
        Who makes it; none from the command line, by whoever may log in to the server.
    person, name, ends
        Whose rights it has, what it is for, and the first day without it.

    Raises
    ------
    InputError
        ``blank``, ``bad-date``, ``no-sign-in``.
    """
    if by is not None:
        demand("edit", by=by, work="people", subject=log.subject_of(person))
    if not name.strip():
        raise InputError("Say what the token is for.", code="blank")
    if ends <= timezone.localdate():
        raise InputError("A token ends on a day to come.", code="bad-date")
    if not person.active or getattr(person, "user", None) is None:
        raise InputError("Only a person with a sign-in can have a token.", code="no-sign-in")
    token = f"kerma-{secrets.token_urlsafe(32)}"
    made = ApiToken.objects.create(
        person=person, name=name.strip()[:80], sha256=_hash(token), ends=ends,
        made_at=timezone.now(),
    )  # fmt: skip
    log.append(actor=by, kind="token.made", subject=person, seals=[made],
               text=f"Token “{made.name}” for {person.name}, until {ends}")  # fmt: skip
    return token


@transaction.atomic
def token_end(*, by: Person | None, token: ApiToken) -> None:
    """End a token at once."""
    if by is not None:
        demand("edit", by=by, work="people", subject=log.subject_of(token.person))
    token.ends = timezone.localdate()
    token.save(update_fields=["ends"])
    log.append(actor=by, kind="token.ended", subject=token.person, seals=[token],
               text=f"Token “{token.name}” of {token.person.name} ended")  # fmt: skip


def person_with(token: str) -> Person | None:
    """Return whose token this is; nobody's once it has ended or the person has left."""
    found = ApiToken.objects.filter(sha256=_hash(token), ends__gt=timezone.localdate())
    held = found.select_related("person__user").first()
    if held is None or not held.person.active or not held.person.user.is_active:
        return None
    return held.person


class BearerTokens:
    """Sign in the bearer of a token, for addresses under ``/api/`` and reading only.

    Without a good token an API address is answered 401 in JSON, never with the sign-in page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        if not request.path.startswith(PREFIX):
            return self.get_response(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and request.method in ("GET", "HEAD"):
            person = person_with(token.strip())
            if person is not None:
                request.user = person.user
        if not request.user.is_authenticated:
            answer = JsonResponse({"error": {"code": "not-signed-in",
                                             "message": "A token is needed, and this one does not "
                                             "count (any more)."}}, status=401)  # fmt: skip
            answer["WWW-Authenticate"] = "Bearer"
            return answer
        return self.get_response(request)
