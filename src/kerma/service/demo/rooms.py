"""The room register of the demo, and what was measured of the shielding that was built."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from rich.progress import Progress

from kerma.service.demo.load import Loaded
from kerma.service.demo.shielding import AUTHOR
from kerma.service.estate.models import Room
from kerma.service.people.models import Appointment
from kerma.service.protection.models import DesignVersion
from kerma.service.protection.rooms.services import entry_set
from kerma.service.protection.shielding.as_built import Reading, as_built_add

# Left out of the register on purpose, so that a gap is seen: a room of every tenth.
_GAP = 10
_DISPLAYS = {"display"}
_QUIET = ("dental_intraoral", "dexa")
# Barrier, readings without and behind it in µGy with their standard uncertainty; of the demo.
_MEASURED = (("w3", 412.0, 4.1, 0.21, 0.02), ("w1", 396.0, 4.0, 0.81, 0.03))


def room_register(loaded: Loaded, progress: Progress) -> str:
    """Enter the rooms, and measure two walls of the design that is in force."""
    rooms = list(Room.objects.filter(systems__isnull=False).distinct().order_by("pk"))
    task = progress.add_task("Room register", total=len(rooms))
    entered = 0
    for n, room in enumerate(rooms):
        if n % _GAP != _GAP - 1:
            _enter(loaded, room, n)
            entered += 1
        progress.advance(task)
    measured = sum(_measured(loaded, v) for v in DesignVersion.objects.filter(number=1)[:1])
    return f"{entered} of {len(rooms)} rooms entered, {measured} walls measured"


def _enter(loaded: Loaded, room: Room, n: int) -> None:
    modalities = set(room.systems.values_list("modality", flat=True))
    supervised = modalities <= set(_QUIET)
    signs = "X-ray warning sign at each door" if supervised else (
        "X-ray warning sign and light at each door. Do not enter while the light is on"
    )  # fmt: skip
    as_used = {
        "designation": "supervised" if supervised else "controlled",
        "when": "while the generator is on", "signs": signs,
        "local_rules": f"LR-{room.key}".upper()[:40], "supervisor": _supervisor(room, modalities),
    }  # fmt: skip
    entry_set(
        by=loaded.persons[AUTHOR], room=room,
        valid_from=timezone.localdate() - timedelta(days=200 + 7 * n),
        reason="First entry of the register",
        **({"designation": "undesignated"} if modalities <= _DISPLAYS else as_used),
    )  # fmt: skip


def _supervisor(room: Room, modalities: set[str]) -> str:
    """Return who the employer has appointed RPS of what stands in a room; else of everything."""
    held = Appointment.objects.filter(employer=room.site.employer, role="RPS", end=None)
    own = [a for a in held if modalities & set(a.modalities)]
    every = [a for a in held if not a.modalities]
    return next((a.person.name for a in (*own, *every)), "")


def _measured(loaded: Loaded, version: DesignVersion) -> int:
    held = {b["key"] for b in version.document["plan"]["barriers"]}
    count = 0
    for key, without, u_without, behind, u_behind in _MEASURED:
        if key in held:
            as_built_add(
                by=loaded.persons[AUTHOR], version=version, barrier=key, kv=120.0, unit="uGy",
                radiation="ct_secondary", without=Reading(without, u_without),
                behind=Reading(behind, u_behind), measured_on=timezone.localdate(),
                filtration="as in use",
            )  # fmt: skip
            count += 1
    return count
