"""The cache of spectra: out of the repository, exact, and never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from kerma.physics import _cache, _tube
from kerma.physics.beams import Beam

KEY = {"what": "test", "n": 1}
VALUES = np.random.default_rng(1).normal(0, 1e-7, 4000) ** 3


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"values": VALUES, "more": np.arange(3.0)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERMA_CACHE", str(tmp_path / "deep" / "cache"))
    return tmp_path / "deep" / "cache"


@pytest.fixture
def make() -> Maker:
    return Maker()


def test_what_comes_back_has_the_same_bits(folder: Path, make: Maker) -> None:
    one, two = _cache.cached(KEY, make), _cache.cached(KEY, make)
    assert make.calls == 1
    assert two["values"].tobytes() == VALUES.tobytes() == one["values"].tobytes()
    assert len(list(folder.iterdir())) == 1


def test_another_key_is_another_file(folder: Path, make: Maker) -> None:
    _cache.cached(KEY, make)
    _cache.cached({**KEY, "n": 2}, make)
    assert make.calls == 2
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    "damage", ["empty", "cut", "noise", "changed", "other key", "not a mapping", "not numbers"]
)
def test_a_damaged_file_is_made_again_and_mended(folder: Path, make: Maker, damage: str) -> None:
    _cache.cached(KEY, make)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    held = json.loads(whole)
    if damage == "changed":
        held["arrays"]["values"][7] *= 1.01
    elif damage == "other key":
        held["key"]["n"] = 2
    elif damage == "not numbers":
        held["arrays"] = ["a"]
    path.write_bytes(
        {
            "empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\xff\xfe\x00" + whole,
            "not a mapping": b"[1, 2]",
        }.get(damage, json.dumps(held).encode())
    )  # fmt: skip
    found = _cache.cached(KEY, make)
    assert make.calls == 2
    assert found["values"].tobytes() == VALUES.tobytes()
    assert path.read_bytes() == whole
    _cache.cached(KEY, make)
    assert make.calls == 2


def test_a_folder_that_cannot_be_used_means_no_cache(
    tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KERMA_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        assert _cache.cached(KEY, make)["values"].tobytes() == VALUES.tobytes()
    assert make.calls == 2


def test_a_folder_where_the_file_belongs_is_not_fatal(folder: Path, make: Maker) -> None:
    _cache.cached(KEY, make)
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    assert _cache.cached(KEY, make)["values"].tobytes() == VALUES.tobytes()
    assert [p.name for p in folder.iterdir()] == [path.name]  # nothing half written is left


def test_many_at_once_see_nothing_half_written(folder: Path) -> None:
    def ask(i: int) -> bytes:
        if i % 7 == 0:
            for path in folder.glob("*.json"):
                path.unlink(missing_ok=True)
        return _cache.cached(KEY, Maker())["values"].tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(120))) == {VALUES.tobytes()}
    assert list(folder.glob("*.part")) == []


def test_processes_that_race_agree(folder: Path) -> None:
    code = (
        "import numpy as np; from kerma.physics._cache import cached\n"
        "for i in range(40): print(cached({'i': i}, lambda: {'v': np.arange(500.0)})['v'].sum())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = {process.communicate()[0] for process in running}
    assert said == {"124750.0\n" * 40}
    assert len(list(folder.iterdir())) == 40


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/kerma"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/kerma"),
        ("darwin", {}, "home/Library/Caches/kerma"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/kerma/Cache"),
        ("win32", {}, "home/AppData/Local/kerma/Cache"),
        ("linux", {"KERMA_CACHE": "/mine"}, "/mine"),
        ("linux", {"KERMA_CACHE": ""}, "home/.cache/kerma"),
    ],
)
def test_the_folder_is_the_platforms(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KERMA_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert _cache.folder() == Path(expected)


def test_without_a_home_there_is_no_cache(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("KERMA_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert _cache.cached(KEY, make)["values"].tobytes() == VALUES.tobytes()


def test_the_version_of_spekpy_is_part_of_the_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tube.attenuation.cache_clear()
    _tube.attenuation("Al", "pene", 1.25, 40)
    monkeypatch.setattr(_tube, "spekpy_version", lambda: "99.0")
    _tube.attenuation.cache_clear()
    _tube.attenuation("Al", "pene", 1.25, 40)
    _tube.attenuation.cache_clear()
    assert len(list(folder.iterdir())) == 2


def test_a_kept_spectrum_needs_no_spekpy_and_gives_the_same_number(folder: Path) -> None:
    """A second run: the number is the same to the last bit, and SpekPy is not imported."""
    code = (
        "import sys; from kerma.physics.beams import Beam\n"
        "assert 'spekpy' not in sys.modules\n"
        "print(Beam(61, filters=(('Al', 2.5),)).snr2_in().hex(), 'spekpy' in sys.modules)"
    )

    def run() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    first, second = run(), run()
    assert first == [Beam(61, filters=(("Al", 2.5),)).snr2_in().hex(), "True"]
    assert second == [first[0], "False"]


def test_the_tests_keep_theirs_to_themselves() -> None:
    assert "kerma-test-" in os.environ["KERMA_CACHE"]


def test_the_folder_is_bounded_and_what_is_used_stays(
    folder: Path, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cache, "MOST_FILES", 20)
    for n in range(20):
        _cache.cached({**KEY, "n": n}, make)
    for order, path in enumerate(sorted(folder.iterdir())):
        os.utime(path, (order, order))
    _cache.cached({**KEY, "n": 3}, make)  # used now, so it is the youngest
    assert make.calls == 20
    _cache.cached({**KEY, "n": 99}, make)
    assert len(list(folder.iterdir())) == 18
    for n in (3, 99):
        _cache.cached({**KEY, "n": n}, make)
    assert make.calls == 21
    for n in range(100, 160):
        _cache.cached({**KEY, "n": n}, make)
        assert len(list(folder.iterdir())) <= 20


def test_the_key_holds_everything_a_spectrum_depends_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SpekPy's version, model, anode, tube voltage and angle; filters are applied afterwards."""
    _tube.bare.cache_clear()
    beams = [Beam(70), Beam(71), Beam(70, angle_deg=13), Beam(70, model="uni")]
    for beam in beams:
        beam.spectrum()
    files = {json.loads(p.read_text())["key"]["model"] for p in folder.glob("*.json")}
    assert len(list(folder.glob("*.json"))) == 4
    assert files == {"casim", "uni"}
    Beam(70, filters=(("Al", 2.0),)).spectrum()
    kinds = [json.loads(p.read_text())["key"]["what"] for p in folder.glob("*.json")]
    assert kinds.count("bare") == 4
    monkeypatch.setattr(_tube, "spekpy_version", lambda: "99")
    _tube.bare.cache_clear()
    Beam(70).spectrum()
    keys = [json.loads(p.read_text())["key"] for p in folder.glob("*.json")]
    assert sum(k["what"] == "bare" for k in keys) == 5
    _tube.bare.cache_clear()
    _tube.attenuation.cache_clear()
