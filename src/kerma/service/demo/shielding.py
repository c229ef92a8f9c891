"""Shielding designs of the demo: one drawn, reported and signed, one that still needs more."""

from __future__ import annotations

from datetime import timedelta
from importlib import resources
from typing import Any

import yaml
from django.utils import timezone
from rich.progress import Progress

from kerma.service.demo.load import Loaded
from kerma.service.protection.models import Design, DesignVersion
from kerma.service.protection.shielding import drawing
from kerma.service.protection.shielding.papers import design_write
from kerma.service.protection.shielding.services import design_open, drawing_save, version_keep
from kerma.service.records.models import Paper
from kerma.service.records.papers.acts import Check, IssuePaper, Submit
from kerma.service.records.selectors import verifications
from kerma.service.records.services import verification_add

AUTHOR, CHECKER, RPA = "psorrel", "cbetony", "mlarkspur"
_PLAN = ("storeys", "slabs", "barriers", "areas", "sources")


def shielding_designs(loaded: Loaded, progress: Progress) -> str:
    """Open, draw, keep and report the designs of the demo."""
    text = (resources.files(__package__) / "shielding.yaml").read_text(encoding="utf-8")
    plans = yaml.safe_load(text)
    task = progress.add_task("Shielding designs", total=len(plans))
    for one in plans.values():
        version = _drawn(loaded, one)
        if one.get("summary"):
            _reported(loaded, version, one["summary"])
        progress.advance(task)
    return f"{len(plans)} designs drawn, {Paper.objects.filter(work='shielding').count()} reported"


def _drawn(loaded: Loaded, one: dict[str, Any]) -> DesignVersion:
    author, system = loaded.persons[AUTHOR], loaded.systems[one["system"]]
    design = design_open(
        by=author, site=system.room.site, title=one["title"], about=one["about"],
        method=one["method"], height_m=one["storeys"][0]["height_m"], rooms=[system.room],
    )  # fmt: skip
    sheet = drawing.read({"plan": {"method": one["method"], **{k: one[k] for k in _PLAN}}})
    document = sheet.as_dict()
    for source in document["plan"]["sources"]:
        held = loaded.systems.get(source["system"])
        source["system"] = held.asset if held else ""
    drawing_save(by=author, design=design, document=document, revision=0)
    return version_keep(by=author, design=Design.objects.get(pk=design.pk), note=one["note"])


def _reported(loaded: Loaded, version: DesignVersion, summary: str) -> None:
    """Write the report and sign it, its rows verified by the demo's RPA as all others are."""
    rpa = loaded.persons[RPA]
    wanted = {s["row"]: s["document"] for s in version.assessment["sources"]}
    held = {row for row, _ in verifications(wanted)}
    for row, document in sorted(wanted.items()):
        if row not in held:
            verification_add(
                by=rpa, row=row, document=f"Simulated: {document}"[:300], edition="simulated"
            )
    paper = design_write(
        by=loaded.persons[AUTHOR], version=version, summary=summary,
        owner="Estates project manager", due=timezone.localdate() + timedelta(days=120),
    )  # fmt: skip
    for act, by in ((Submit, AUTHOR), (Check, CHECKER), (IssuePaper, RPA)):
        act(paper=Paper.objects.get(pk=paper.pk), by=loaded.persons[by]).perform()
