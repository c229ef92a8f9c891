"""The arrows between the packages, by import-linter's contracts and by a plain look at imports."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.api import read_configuration
from importlinter.cli import lint_imports

from tests.arch import tree

WEB = {"django", "ninja", "allauth", "axes", "whitenoise", "waitress", "django_tasks"}
CONFIGURATION = str(tree.ROOT / "pyproject.toml")


def web_names(path: Path) -> set[str]:
    """Return the web frameworks a file imports, at the top or inside a function."""
    return {name for name in tree.imported(path) if name.split(".")[0] in WEB}


def test_every_contract_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = lint_imports(config_filename=CONFIGURATION, cache_dir=str(tmp_path), no_logo=True)
    assert not broken, capsys.readouterr().out


def test_every_package_is_in_the_contracts() -> None:
    contracts = read_configuration(CONFIGURATION)["contracts_options"]
    (layered,) = (c["layers"] for c in contracts if c["type"] == "layers")
    named = {name.strip() for layer in layered for name in layer.split("|")}
    there = {f"kerma.{p.parent.name}" for p in tree.PACKAGE.glob("*/__init__.py")}
    assert there - named == set()
    (closed,) = (c for c in contracts if c["type"] == "forbidden")
    assert there - {"kerma.service", "kerma.cli"} <= set(closed["source_modules"])


def test_the_library_never_meets_the_web() -> None:
    # The command line starts the server; everything else outside the service is free of the web.
    outside = [
        p
        for p in tree.files(tree.PACKAGE, suffix=".py")
        if not {"service", "cli"} & set(p.relative_to(tree.PACKAGE).parts)
    ]
    assert len(outside) > 100
    assert {tree.relative(p): names for p in outside if (names := web_names(p))} == {}


def test_a_planted_import_would_be_seen(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("def late():\n    from django.db import models\n    import numpy\n")
    assert web_names(planted) == {"django.db"}
