"""The panel of skin dose on a study's page."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.authority import Decision
from kerma.service.doses.models import SkinDose, Study
from kerma.service.doses.skin import shown
from kerma.service.doses.skin.packing import unpacked
from kerma.service.doses.skin.selectors import Flag, flags, is_outdated, maps
from kerma.service.doses.skin.working import FLUOROSCOPY, is_due
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.web.components.numbers import day


@dataclass(frozen=True, slots=True)
class Panel:
    """What the page of a study says of skin dose.

    Attributes
    ----------
    by_itself
        The map is due, or no longer that of the study as it is: the page has it worked out.
    outdated
        The study, its corrections or its room's profile changed after the map.
    """

    study: Study
    row: SkinDose | None
    decision: Decision
    by_itself: bool
    outdated: bool
    peak: shown.Peak | None = None
    tone: str = ""
    where: str = ""
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[shown.LeftOut, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def made(self) -> str:
        """The day the map was worked out; nothing when there is none."""
        return day(self.row.at) if self.row else ""


def panel_of(study: Study, reader: Person) -> Panel | None:
    """Return the panel of a fluoroscopy study; other studies have none."""
    if study.modality != FLUOROSCOPY:
        return None
    rows = maps(reader).defer(None).defer("study__record").filter(study=study)
    row = rows.order_by("-pk").first()
    decision = may("perform", by=reader, work="skin_dose")
    outdated = row is not None and is_outdated(row)
    by_itself = is_due(study) and (row is None or outdated)
    if row is None:
        return Panel(study, None, decision, by_itself, outdated)
    found = unpacked(row)
    return Panel(
        study, row, decision, by_itself, outdated,
        peak=shown.peak_of(row), tone=shown.TONES[row.status], where=shown.where_text(found),
        assumptions=found.assumptions, warnings=found.warnings,
        left_out=tuple(shown.left_out(found)),
        # Bands are for physicists to judge; to anybody else they would look like a finding.
        flags=tuple(flags(row.low_mgy, row.high_mgy)) if decision.allowed else (),
    )  # fmt: skip
