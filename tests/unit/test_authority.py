"""The gates: who may perform, check, approve and verify."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.authority import (
    AppointmentFact,
    AuthorisationFact,
    Context,
    CredentialFact,
    PersonFacts,
    allowed,
    require,
    titles,
)
from kerma.authority.rules import rulebook
from kerma.core import InputError, NotEntitled

TODAY = date(2026, 11, 23)
SCIENTIST = PersonFacts(
    "2", "S. Vetch", "clinical_scientist",
    credentials=(CredentialFact("HCPC", "CS-DEMO-2", date(2020, 1, 1), date(2027, 1, 1)),),
    authorisations=(AuthorisationFact("survey", "radiography", "approve", date(2022, 1, 1)),),
)  # fmt: skip
MPE = PersonFacts(
    "3", "M. Yarrow", "consultant",
    credentials=(CredentialFact("MPE", "MPE-DEMO-3", date(2019, 1, 1)),),
    appointments=(AppointmentFact("hart", "MPE", ("radiography",), date(2021, 1, 1)),),
)  # fmt: skip


def context(work: str = "routine_breach", **more: object) -> Context:
    return Context(work=work, on=TODAY, modality="radiography", employer="hart", **more)


def test_nobody_checks_their_own_work() -> None:
    own = context(performed=frozenset({"2"}))
    with pytest.raises(NotEntitled) as refusal:
        require("check", SCIENTIST, own)
    assert refusal.value.rule == "routine_breach.check"
    assert "someone other than the person who performed it" in refusal.value.missing
    assert allowed("check", SCIENTIST, context(performed=frozenset({"9"}))).allowed


def test_checker_may_not_approve() -> None:
    assert not allowed("approve", SCIENTIST, context(checked=frozenset({"2"}))).allowed


def test_expired_registration_is_named_with_its_date() -> None:
    lapsed = replace(
        SCIENTIST, credentials=(replace(SCIENTIST.credentials[0], expires=date(2026, 9, 30)),)
    )
    decision = allowed("check", lapsed, context())
    assert not decision.allowed
    assert "expired 30 Sep 2026" in decision.message


def test_last_day_of_a_credential_still_counts() -> None:
    last = CredentialFact("HCPC", "x", date(2020, 1, 1), TODAY)
    assert last.current(TODAY)
    assert not last.current(date(2026, 11, 24))


@pytest.mark.parametrize(
    ("employer", "modality", "ok"),
    [("hart", "radiography", True), ("other", "radiography", False), ("hart", "ct", False)],
)
def test_commissioning_needs_that_employers_mpe(employer: str, modality: str, ok: bool) -> None:
    asked = Context("commissioning", TODAY, modality=modality, employer=employer)
    decision = allowed("approve", MPE, asked)
    assert decision.allowed is ok
    if not ok:
        assert "appointment as MPE" in decision.message


def test_scientist_cannot_approve_commissioning_however_well_authorised() -> None:
    assert not allowed("approve", SCIENTIST, context("commissioning")).allowed


def test_a_certificate_without_expiry_stays_current() -> None:
    assert allowed("verify", MPE, Context("reference_data", date(2060, 1, 1))).allowed


def test_technologist_cannot_verify_reference_rows() -> None:
    tech = PersonFacts("1", "R. Teasel", "technologist")
    assert not allowed("verify", tech, Context("reference_data", TODAY)).allowed


def test_titles_lapse_with_the_credential() -> None:
    assert titles(SCIENTIST, TODAY) == [("Clinical scientist", "HCPC CS-DEMO-2")]
    assert titles(SCIENTIST, date(2028, 1, 1)) == [("Healthcare scientist", "")]
    trainee = PersonFacts("5", "T. Sedge", "trainee_scientist")
    assert "Clinical scientist" not in dict(titles(trainee, TODAY))


def test_inactive_person_may_do_nothing() -> None:
    gone = replace(SCIENTIST, active=False)
    assert not allowed("check", gone, context()).allowed


def test_unknown_work_is_an_error_not_a_permission() -> None:
    with pytest.raises(InputError):
        allowed("approve", MPE, Context("nonsense", TODAY))


ACTS = [(w, a) for w, body in rulebook()["works"].items() for a in body["acts"]]


@given(st.sampled_from(ACTS), st.sampled_from(["assistant", "hospital_user", "administrator"]))
def test_unqualified_roles_never_sign(act: tuple[str, str], role: str) -> None:
    """No role without a credential may check, approve or verify anything."""
    work, name = act
    person = PersonFacts("7", "X", role)
    if name in ("check", "approve", "verify", "perform"):
        assert not allowed(name, person, Context(work, TODAY, "radiography", "hart")).allowed
