"""Calculations of the demo: some kept, two of them written up, checked and issued."""

from __future__ import annotations

from rich.progress import Progress

from kerma import reference
from kerma.service.demo.load import Loaded
from kerma.service.people.models import Person
from kerma.service.protection.calculators.kinds import find
from kerma.service.protection.calculators.papers import paper_write_up
from kerma.service.protection.calculators.services import calculation_save
from kerma.service.protection.models import SavedCalculation
from kerma.service.records.models import Issue, Paper
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.selectors import verifications
from kerma.service.records.services import verification_add

AUTHOR, CHECKER, MPE = "psorrel", "mlarkspur", "waldous"
CT, MAMMOGRAPHY = "sq-ct1", "mc-mg1"
# Calculator, title, what it is for, system; the figures are those of the calculator's example.
_KEPT = (
    ("ct-effective-dose", "Chest CT, protocol 4: effective dose",
     "How large is the dose of a chest CT by protocol 4, for the referrers' leaflet?", CT),
    ("ctdi-display", "Console against chamber, body phantom",
     "Does the console of the scanner state the CTDIvol it should?", CT),
    ("breast-mgd-dance", "Mean glandular dose, 53 mm breast",
     "Dose of the standard technique, from the last survey's output.", MAMMOGRAPHY),
    ("fetal-typical", "Abdominal CT in early pregnancy",
     "Which decade of dose an unrecognised pregnancy would have received.", ""),
    ("shielding-ncrp-ct-wall", "CT room: wall to the office",
     "A first look before the design is drawn.", CT),
    ("staff-effective-dose", "Two badges of an interventional radiologist",
     "Effective dose of last quarter, by the algorithm the service uses.", ""),
)  # fmt: skip
_WRITTEN_UP = 2  # of those above: the CT ones
_ANSWER = (
    "A chest CT by protocol 4 gives a reference person about 6 mSv. The console states 5 % more "
    "than was measured, which the uncertainty of the measurement covers.\n\n"
    "The figure is that of a reference person and is given to referrers in a band, not in digits."
)


def calculations(loaded: Loaded, progress: Progress) -> str:
    """Keep some calculations and have a paper of two of them issued."""
    task = progress.add_task("Calculations", total=len(_KEPT) + 1)
    kept = []
    for key, title, about, system in _KEPT:
        kept.append(
            calculation_save(
                by=loaded.persons[AUTHOR], calculator=key, given=find(key).example, title=title,
                about=about, system=loaded.systems.get(system),
            )
        )  # fmt: skip
        progress.advance(task)
    paper = _paper(loaded, kept[:_WRITTEN_UP])
    progress.advance(task)
    issue = Issue.objects.filter(report=paper.report).count()
    return f"{len(kept)} kept; {paper.report.number} of {_WRITTEN_UP} of them, {issue} issue"


def _paper(loaded: Loaded, rows: list[SavedCalculation]) -> Paper:
    author, checker, mpe = (loaded.persons[key] for key in (AUTHOR, CHECKER, MPE))
    for row in rows:
        _verify(checker, row)
    system = rows[0].system
    assert system is not None
    paper = paper_write_up(
        by=author, rows=rows, title="Chest CT, protocol 4: dose and display",
        question=rows[0].about, conclusion=_ANSWER, employer=system.employer,
    )  # fmt: skip
    for name, by in (("submit", author), ("check", checker), ("issue", mpe)):
        ACTS[name](paper=paper, by=by).perform()
    return paper


def _verify(by: Person, row: SavedCalculation) -> None:
    """Have the demo's MPE verify the rows of a calculation that are not yet."""
    standing = verifications(row.rests_on)
    for name, sha256 in row.rests_on.items():
        if (name, sha256) not in standing:
            document = reference.row(name).document
            verification_add(
                by=by, row=name, document=f"Simulated: {document}"[:300], edition="simulated"
            )
