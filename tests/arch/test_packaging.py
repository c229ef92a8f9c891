"""What is installed is what is in the source: every data file is in the wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.arch import tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ImportError:
        pytest.skip("NO HATCHLING: the wheel was not built; install hatchling to have it checked")
    folder = tmp_path_factory.mktemp("wheel")
    made = list(WheelBuilder(str(tree.ROOT)).build(directory=str(folder), versions=["standard"]))
    return zipfile.ZipFile(Path(made[0]))


def test_every_file_of_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    ours = {p.relative_to(tree.SRC).as_posix() for p in tree.files(tree.PACKAGE)}
    ours |= {"kerma/py.typed"} if (tree.PACKAGE / "py.typed").exists() else set()
    held = {name for name in wheel.namelist() if name.startswith("kerma/")}
    assert ours - held == set()
    assert {name for name in held - ours if "__pycache__" not in name} == set()


def test_data_of_every_kind_is_among_them(wheel: zipfile.ZipFile) -> None:
    kinds = {Path(name).suffix for name in wheel.namelist()}
    assert {".yaml", ".csv", ".typ", ".html", ".js", ".css", ".svg", ".txt"} <= kinds


def test_the_wheel_names_the_command_and_its_licence(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    (entry,) = (n for n in names if n.endswith("entry_points.txt"))
    assert "kerma = kerma.cli:main" in wheel.read(entry).decode()
    assert any(n.endswith("LICENSE") for n in names)
    (facts,) = (n for n in names if n.endswith("METADATA"))
    assert "License-Expression: MIT" in wheel.read(facts).decode()


def test_nothing_but_the_package_is_installed(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"kerma"}
