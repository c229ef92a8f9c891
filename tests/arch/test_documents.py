"""What the documents say there is, is there; what is there, the documents say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from kerma.cli import EXIT, app
from kerma.imaging.registry import all_measurements
from kerma.protocols import available, load_protocol
from tests.arch import tree

COMMANDS = (tree.DOCS / "commands.md").read_text(encoding="utf-8")
METHODS = {p.name: p.read_text(encoding="utf-8") for p in (tree.DOCS / "methods").glob("*.md")}
INDEX = (tree.DOCS / "index.md").read_text(encoding="utf-8")


def commands(
    of: click.Command | None = None, name: str = "kerma"
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name."""
    command = of or typer.main.get_command(app)
    inner = getattr(command, "commands", {})
    for word, child in inner.items():
        yield from commands(child, f"{name} {word}")
    if not inner:
        yield name, command


def section(name: str) -> str:
    """Return what docs/commands.md says of one command."""
    parts = re.split(r"^## ", COMMANDS, flags=re.MULTILINE)
    return next((p for p in parts if p.splitlines()[0].strip() == name), "")


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_is_documented_with_its_options_and_exit_codes(name: str) -> None:
    text = section(name)
    assert text, f"docs/commands.md has no section “{name}”"
    assert "Exit: 0" in text
    options = [o for p in dict(commands())[name].params for o in p.opts if o.startswith("--")]
    assert [o for o in options if f"`{o}" not in text and o != "--help"] == []


def test_no_command_is_documented_that_is_not_there() -> None:
    headed = re.findall(r"^## (kerma .*)$", COMMANDS, flags=re.MULTILINE)
    assert set(headed) == {name for name, _ in commands()}
    assert section("kerma nonsense") == ""


def test_every_exit_code_is_in_the_table() -> None:
    table = {int(n) for n in re.findall(r"^\| (\d) \|", COMMANDS, flags=re.MULTILINE)}
    assert {0, 1, 2, *(code for _, code in EXIT)} == table


@pytest.mark.parametrize("name", all_measurements())
def test_every_measurement_has_a_page(name: str) -> None:
    titled = [page for page, text in METHODS.items() if f"`{name}`" in text.splitlines()[0]]
    assert len(titled) == 1, f"docs/methods has no page titled with `{name}`"


def public_modules(*packages: str) -> list[str]:
    """Return the public modules of the packages whose modules calculate."""
    return [
        "kerma." + ".".join(path.relative_to(tree.PACKAGE).with_suffix("").parts)
        for package in packages
        for path in tree.files(tree.PACKAGE / package, suffix=".py")
        if not path.name.startswith("_")
    ]


def test_every_calculation_is_described() -> None:
    pages = "\n".join([INDEX, *METHODS.values()])
    modules = public_modules("imaging", "physics")
    assert len(modules) > 20
    assert [m for m in modules if f"`{m}`" not in pages] == []


@pytest.mark.parametrize("name", available())
def test_every_analysis_a_protocol_names_exists(name: str) -> None:
    named = {analysis.analysis for analysis in load_protocol(name).analyses}
    assert named - {*all_measurements(), "auto"} == set()


def links(page: Path) -> list[str]:
    """Return the relative links of a page, without their anchors."""
    found = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    return [link for link in found if link]


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = {
        tree.relative(page): missing
        for page in [*tree.files(tree.DOCS, suffix=".md"), tree.ROOT / "README.md"]
        if (missing := [link for link in links(page) if not (page.parent / link).exists()])
    }
    assert broken == {}


def test_every_page_is_reached_from_the_index() -> None:
    reached = {(tree.DOCS / link).resolve() for link in links(tree.DOCS / "index.md")}
    pages = {p for p in tree.files(tree.DOCS, suffix=".md") if p.name != "index.md"}
    assert {tree.relative(p) for p in pages - reached} == set()


def test_every_decision_has_its_four_parts() -> None:
    records = sorted((tree.DOCS / "adr").glob("[0-9]*.md"))
    assert len(records) >= 9
    for number, path in enumerate(records, 1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04}-")
        for part in ("Context", "Decision", "Consequences", "What would make us change it"):
            assert f"## {part}" in text, f"{path.name} lacks “{part}”"
