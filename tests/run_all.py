"""Run everything on one machine: style, types, layers, Django's checks, and every test.

``make test`` calls this. A stage that fails does not stop the next one; the last line printed is
the count over all test runs, where a failed check and a run that broke down count as one failure
each. Exit code 0 when nothing failed, else 1.

Options: ``--quick`` leaves out PostgreSQL and the browser, ``--only STAGE`` (may be repeated) runs
those stages alone, ``--list`` names the stages. REQUIRE_POSTGRESQL=1 and REQUIRE_BROWSER=1 turn the
absence of either into a failure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import postgresql  # noqa: E402 - the folder above must be on the path first

SETTINGS = "kerma.service.config.settings"
LONGEST_S = 2700  # a stage that takes longer hangs
SLOWEST = 15


@dataclass
class Count:
    """Outcomes of test cases, added up."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        """Return both together."""
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Outcome:
    """What became of one stage."""

    name: str
    seconds: float
    count: Count
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing failed."""
        return not self.count.failed


@dataclass
class Run:
    """One call of this program."""

    folder: Path
    environment: dict[str, str]
    junit: list[Path] = field(default_factory=list)

    def command(self, *words: str, **more: str) -> bool:
        """Run one command in the project's folder; returns whether it succeeded."""
        print(f"  $ {' '.join(words)}", flush=True)
        program = [str(Path(sys.executable).parent / words[0]), *words[1:]]
        try:
            done = subprocess.run(
                program, cwd=ROOT, env=self.environment | more, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"  stopped after {LONGEST_S} s", flush=True)
            return False
        return done.returncode == 0

    def checks(self, *commands: tuple[str, ...]) -> Count:
        """Run several commands; each that fails counts as one failure."""
        return Count(failed=sum(not self.command(*words) for words in commands))

    def tests(self, *words: str, **more: str) -> Count:
        """Run pytest and count its cases."""
        target = self.folder / f"{len(self.junit)}.xml"
        self.junit.append(target)
        good = self.command(
            "python", "-m", "pytest", "-q", "--tb=short", *words, f"--durations={SLOWEST}",
            f"--junitxml={target}", "-p", "no:cacheprovider", **more,
        )  # fmt: skip
        count = counted(target)
        if not good and not count.failed:
            count += Count(failed=1)  # it broke down, or found no test
        return count


def counted(junit: Path) -> Count:
    """Return the outcomes in a JUnit file; an expected failure counts as skipped."""
    if not junit.exists():
        return Count(failed=1)
    total = Count()
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        cases, bad, skipped = (
            sum(int(suite.get(name, "0")) for name in names)
            for names in (("tests",), ("failures", "errors"), ("skipped",))
        )
        total += Count(cases - bad - skipped, bad, skipped)
    return total


def style(run: Run) -> Count:
    """Check formatting and lint."""
    concise = ("--output-format", "concise")
    return run.checks(
        ("ruff", "format", "--check", *concise, "."), ("ruff", "check", *concise, ".")
    )


def types(run: Run) -> Count:
    """Check the type hints of the library."""
    return run.checks(("mypy",))


def layers(run: Run) -> Count:
    """Check that arrows point down only."""
    return run.checks(("lint-imports",))


def django(run: Run) -> Count:
    """Check the settings, and that no model moved without a migration."""
    manage = ("python", "-m", "django")
    return run.checks(
        (*manage, "check", "--settings", SETTINGS),
        (*manage, "makemigrations", "--check", "--dry-run", "--settings", SETTINGS),
    )


def tests(run: Run) -> Count:
    """Run every test that needs no browser, on SQLite."""
    return run.tests("tests", "--ignore=tests/browser", "-n", "2", "--dist", "worksteal")


def postgres(run: Run) -> Count:
    """Run the service's tests again, on PostgreSQL."""
    folder = postgresql.programs()
    if folder is None:
        return absent("POSTGRESQL", "initdb and pg_ctl were not found")
    print(f"  a private server out of {folder}", flush=True)
    with postgresql.server(folder) as url:
        return run.tests("tests/service", "-n", "2", "--dist", "worksteal", KERMA_DATABASE=url)


def browser(run: Run) -> Count:
    """Run the tests that drive Chromium."""
    return run.tests("tests/browser")


def absent(what: str, why: str) -> Count:
    """Say loudly that a stage was left out; a failure when it was required."""
    print(f"\n  *** NO {what}: {why}. This stage did not run. ***\n", flush=True)
    if os.environ.get(f"REQUIRE_{what}") == "1":
        return Count(failed=1)
    return Count(skipped=1)


STAGES: dict[str, Callable[[Run], Count]] = {
    "style": style,
    "types": types,
    "layers": layers,
    "django": django,
    "tests": tests,
    "postgresql": postgres,
    "browser": browser,
}
SLOW = ("postgresql", "browser")


def stage(name: str, run: Run) -> Outcome:
    """Run one stage and time it."""
    print(f"\n== {name}: {STAGES[name].__doc__}", flush=True)
    began = time.perf_counter()
    note = ""
    try:
        count = STAGES[name](run)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        note = str(error).strip().splitlines()[0]
        print(f"  {error}", flush=True)
        count = Count(failed=1)
    outcome = Outcome(name, time.perf_counter() - began, count, note)
    print(f"== {name}: {'good' if outcome.good else 'FAILED'}, {outcome.seconds:.0f} s", flush=True)
    return outcome


def clean_environment(home: Path) -> Iterator[tuple[str, str]]:
    """Yield the caller's environment without the settings of a service that runs here."""
    for name, value in os.environ.items():
        # Bytecode is kept: workers and the processes tests start would compile the same again.
        if name == "PYTHONDONTWRITEBYTECODE":
            continue
        if not name.startswith("KERMA_") or name == "KERMA_SHARED":
            yield name, value
    yield "KERMA_HOME", str(home)
    yield "KERMA_TEST_CACHE", str(home.parent / "kerma-test-cache")


def summary(outcomes: list[Outcome]) -> Count:
    """Print one line for each stage and the closing line; return the total."""
    total = Count()
    print("\nStage         Time   Outcome")
    for o in outcomes:
        total += o.count
        shown = str(o.count) if o.name in ("tests", *SLOW) else ""
        word = "good" if o.good else "FAILED"
        print(f"{o.name:12} {o.seconds:4.0f} s   {word:6}  {shown}{o.note and '  ' + o.note}")
    print(f"{'all':12} {sum(o.seconds for o in outcomes):4.0f} s\n")
    print(total, flush=True)
    return total


def main() -> int:
    """Run the stages asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no PostgreSQL, no browser")
    parser.add_argument("--only", action="append", choices=STAGES, help="this stage alone")
    parser.add_argument("--list", action="store_true", help="name the stages")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:12} {do.__doc__}" for name, do in STAGES.items()))
        return 0
    chosen = options.only or [n for n in STAGES if not (options.quick and n in SLOW)]
    folder = Path(tempfile.mkdtemp(prefix="kerma-run-"))
    (folder / "home").mkdir()
    try:
        run = Run(folder, dict(clean_environment(folder / "home")))
        total = summary([stage(name, run) for name in chosen])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
