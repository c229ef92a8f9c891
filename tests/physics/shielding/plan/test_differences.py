"""What changed between two plans, and whether it calls for another look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kerma.physics.shielding.plan import Layer, Plan, Slab, Storey, assess, faults
from kerma.physics.shielding.plan.differences import differences, needs_recheck
from tests.physics.shielding.plan.cases import (
    area,
    ct,
    kap,
    room,
    source,
    wall,
)

Change = Callable[[Plan], Plan]


def _areas(**words: object) -> Change:
    return lambda p: replace(p, areas=(replace(p.areas[0], **words), *p.areas[1:]))  # type: ignore[arg-type]


def _sources(**words: object) -> Change:
    return lambda p: replace(p, sources=(replace(p.sources[0], **words),))  # type: ignore[arg-type]


def _walls(**words: object) -> Change:
    return lambda p: replace(p, barriers=(replace(p.barriers[0], **words), *p.barriers[1:]))  # type: ignore[arg-type]


DOOR = wall("d2", (4, 0), (5, 0), 1.0, kind="door", within="n", top_m=2.0)
CHANGES: list[tuple[Change, str, bool]] = [
    (_sources(uses=(ct(5.6e6), kap())), "dose-length product per year up 40 %", True),
    (_sources(uses=(ct(2e6), kap())), "per year down 50 %", False),
    (_sources(uses=(ct(kv=130), kap())), "tube voltage changed from 120 to 130", True),
    (_sources(uses=(ct(region="head"), kap())), "from Body, 32 cm to Head, 16 cm", True),
    (_sources(uses=(ct(), kap(), kap(20.0))), "is used for Scatter by KAP now", True),
    (_sources(uses=(ct(),)), "no longer used for Scatter by KAP", False),
    (_sources(system="other"), "system of Source ct was exchanged", True),
    (_sources(position=(3.0, 2.0)), "stands elsewhere", True),
    (_sources(name="CT 2"), "is called CT 2 now", False),
    (lambda p: replace(p, sources=(*p.sources, source("x", (1, 1), ct()))), "Source x is new",
     True),
    (lambda p: replace(p, sources=()), "Source ct is gone", False),
    (_areas(occupancy=1.0), "Occupancy of Area c is 1, it was 0.125", True),
    (_areas(occupancy=0.05), "Occupancy of Area c is 0.05", False),
    (_areas(designation="controlled", goal=0.3), "is controlled area now", True),
    (_areas(goal=0.1), "another goal", True),
    (_areas(polygon=((0, -3), (6, -3), (6, 0), (0, 0))), "another outline", True),
    (lambda p: replace(p, areas=(*p.areas, area("x", (7, 0), (8, 1)))), "Area x is new", True),
    (lambda p: replace(p, areas=p.areas[:1]), "Area o is gone", False),
    (lambda p: replace(p, barriers=p.barriers[:1] + p.barriers[2:]), "Wall e was removed", True),
    (lambda p: replace(p, barriers=(*p.barriers, wall("x", (1, 1), (1, 2)))), "Wall x is new",
     False),
    (lambda p: replace(p, barriers=(*p.barriers, DOOR)), "Door Wall d2 is new", True),
    (_walls(layers=(Layer("concrete", 80.0),)), "thinner or of another material", True),
    (_walls(layers=(Layer("concrete", 100.0), Layer("lead", 1.0))), "is thicker", False),
    (_walls(layers=(Layer("steel", 100.0),)), "another material", True),
    (_walls(top_m=2.0), "another place or size", True),
    (_walls(end=(6.5, 0)), "another place or size", True),
    (lambda p: replace(p, slabs=(Slab("f", "Floor", "u", (Layer("concrete", 100.0),)),)),
     "is thinner", True),
    (lambda p: replace(p, slabs=()), "was removed", True),
    (lambda p: replace(p, storeys=(p.storeys[0], Storey("u", "First floor", 3.5, 3.0))),
     "other heights", True),
    (lambda p: replace(p, storeys=(*p.storeys, Storey("t", "Top", 7.0, 3.0))), "Top is new", True),
    (lambda p: replace(p, rule="product"), "the rule “product”", True),
    (lambda p: replace(p, method="ncrp147"), "The method is NCRP", True),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words", "recheck"), CHANGES)
def test_what_changed_is_said_and_whether_to_look_again(
    change: Change, words: str, recheck: bool
) -> None:
    before = room()
    found = differences(before, change(before))
    (one,) = [d for d in found if words in d.message]
    assert one.recheck is recheck
    assert needs_recheck([one]) is recheck


def test_nothing_changed() -> None:
    assert differences(room(), room()) == ()
    assert not needs_recheck(())


@pytest.mark.parametrize(("change", "words", "recheck"), CHANGES)
def test_a_change_that_raises_a_ratio_is_never_left_without_a_recheck(
    change: Change, words: str, recheck: bool
) -> None:
    """Whatever makes an area worse calls for a re-check."""
    before, after = room(), change(room())
    if any(f.blocking for f in faults(after)):
        return
    was = {a.key: a.ratio or 0.0 for a in assess(before).areas}
    is_now = {a.key: a.ratio or 0.0 for a in assess(after).areas}
    worse = any(v > was.get(k, 0.0) * (1 + 1e-6) for k, v in is_now.items())
    assert recheck or not worse
