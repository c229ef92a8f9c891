"""Ratios and per-item costs, as a plain table or JSON; nothing here passes or fails.

``make bench`` runs all parts. Options: ``--part NAME`` (may be repeated), ``--json``, and
``--with-others``, which installs pylinac and PySkinDose, each in a place of its own, and measures
them beside Kerma.
Processor seconds of one process, least of a few; the data folder is a new one each time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "kerma.service.config.settings"

from tests.perf.cost import Row, Rows

OTHERS = ("pylinac", "pyskindose")


def parts() -> dict[str, Callable[[], Rows]]:
    """Return what can be measured, in order; importing it needs the service to be started."""
    from tests.perf import doses, growth, images, imports, pages, shielding, skin

    return {
        "reports": pages.reports,
        "protocols": pages.protocols,
        "images": images.measurements,
        "imports": imports.shared_reports,
        "simulated": imports.simulated_reports,
        "growth": growth.imports,
        "pages": pages.survey_pages,
        "doses": doses.questions,
        "shielding": shielding.maps,
        "assessments": shielding.assessments,
        "skin": skin.kernel,
        "examinations": skin.examinations,
        "pylinac": images.beside_pylinac,
        "pyskindose": skin.beside_pyskindose,
    }


def text(row: Row, last: str) -> str:
    """Return a row of the table; the part's name is printed once."""
    shown = f"{row.value:10.3g}" if row.unit or row.value else " " * 10
    name = row.part if row.part != last else ""
    return f"{name:34} {row.what:40} {shown} {row.unit:16} {row.note}".rstrip()


def main() -> int:
    """Measure the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", action="append", help="this part alone")
    parser.add_argument("--json", action="store_true", help="print JSON, nothing else")
    parser.add_argument("--with-others", action="store_true", help="measure other tools as well")
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="kerma-bench-")
    (Path(home) / "static").mkdir()
    os.environ["KERMA_HOME"] = home
    os.environ.pop("KERMA_DATABASE", None)
    try:
        from kerma.service.config.start import start_service

        start_service()
        known = parts()
        chosen = options.part or [n for n in known if n not in OTHERS or options.with_others]
        if unknown := set(chosen) - set(known):
            parser.error(f"no part {', '.join(unknown)}; there are {', '.join(known)}")
        rows: list[Row] = []
        for name in chosen:
            for row in known[name]():
                if not options.json:
                    print(text(row, rows[-1].part if rows else ""), flush=True)
                rows.append(row)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if options.json:
        machine = {"python": platform.python_version(), "processors": os.cpu_count()}
        print(json.dumps({"machine": machine, "rows": [r.as_dict() for r in rows]}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
