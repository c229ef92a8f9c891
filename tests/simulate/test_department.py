"""The invented service hangs together and shows what its gates must catch."""

from datetime import date, timedelta

from kerma.authority.rules import rulebook
from kerma.simulate.department import EQUIPMENT_TYPES, build_department
from kerma.simulate.models import Department

TODAY = date(2026, 11, 23)


def test_same_seed_same_department_other_seed_other_serials(department: Department) -> None:
    assert build_department(today=TODAY) == department
    other = build_department(today=TODAY, seed=7)
    assert [s.key for s in other.systems] == [s.key for s in department.systems]
    assert {s.serial for s in other.systems} != {s.serial for s in department.systems}


def test_dates_move_with_today(department: Department) -> None:
    later = build_department(today=TODAY + timedelta(days=100))
    for a, b in zip(department.systems, later.systems, strict=True):
        assert b.installed - a.installed == timedelta(days=100)
        assert a.serial == b.serial


def test_forty_systems_of_every_kind_at_eight_sites_of_three_employers(
    department: Department,
) -> None:
    assert len(department.systems) == 40
    assert {s.equipment_type for s in department.systems} == set(EQUIPMENT_TYPES)
    assert (len(department.employers), len(department.sites)) == (3, 8)
    features = {f for s in department.systems for f in s.features}
    assert features >= {"rotational angiography", "hybrid theatre", "o-arm", "mobile c-arm"}


def test_everything_referred_to_exists_and_nothing_is_numbered_twice(
    department: Department,
) -> None:
    sites, rooms = {s.key for s in department.sites}, {r.key for r in department.rooms}
    people = {p.key for p in department.persons}
    kinds = {*EQUIPMENT_TYPES, "*"}
    for system in department.systems:
        assert system.site in sites
        assert system.room in rooms
        assert system.year_of_manufacture <= system.installed.year
        for part in system.components:
            assert part.removed is None or system.installed < part.removed <= TODAY
    for row in (*department.credentials, *department.authorisations, *department.appointments):
        assert row.person in people
    for authorisation in department.authorisations:
        assert authorisation.modality in kinds
        assert authorisation.level in rulebook()["levels"]
        assert authorisation.assessor in people
    for contact in department.site_contacts:
        assert {contact.person, contact.cover} <= people
    assert {p.role for p in department.persons} == set(rulebook()["roles"])
    assert {c.type for c in department.credentials} == set(rulebook()["credentials"])
    serials = [s.serial for s in department.systems]
    assert len(set(serials)) == len(serials)
    observers = [s.identity.observer_uid for s in department.systems]
    assert len(set(observers)) == len(observers)
    assert all(len(s.identity.ae_title) <= 16 for s in department.systems)
    assert all(len(s.identity.station_name) <= 16 for s in department.systems)


def test_one_certificate_has_expired_and_one_appointment_has_lapsed(
    department: Department,
) -> None:
    lapsed = [
        c
        for c in department.credentials
        if c.expires
        and c.expires < TODAY
        and not any(
            d.person == c.person and d.type == c.type and (d.expires is None or d.expires >= TODAY)
            for d in department.credentials
        )
    ]
    assert [(c.person, c.type) for c in lapsed] == [("cbetony", "RPA")]
    assert not any(
        a.employer == "thistle"
        and a.role == "MPE"
        and (not a.modalities or "cbct_dental" in a.modalities)
        and (a.end is None or a.end >= TODAY)
        for a in department.appointments
    )


def test_one_instrument_is_overdue_and_the_others_cover_the_three_years(
    department: Department,
) -> None:
    overdue = [i.key for i in department.instruments if i.certificate_on(TODAY) is None]
    assert overdue == ["kap"]
    for instrument in department.instruments:
        for ago in range(60, 1095, 15):
            assert instrument.certificate_on(TODAY - timedelta(days=ago)), (instrument.key, ago)


def test_a_contact_on_leave_is_covered(department: Department) -> None:
    assert department.contact_of("hs", TODAY) == "mlarkspur"
    assert department.contact_of("hs", TODAY - timedelta(days=30)) == "lyarrow"


def test_a_component_is_the_one_in_place_on_the_day(department: Department) -> None:
    hybrid = department.system("sq-hyb")
    old, new = [p for p in hybrid.components if p.kind == "tube"]
    assert old.removed == new.installed
    assert hybrid.component("tube", new.installed) == new
    assert hybrid.component("tube", new.installed - timedelta(days=1)) == old
    assert hybrid.component("tube", hybrid.installed - timedelta(days=1)) is None
