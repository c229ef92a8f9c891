"""``kerma doses skin`` in two processes at once: every study gets one map, whoever comes first."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

from tests.service.skin_world import reports
from tests.service.test_ingest_concurrent import ENOUGH_S, KERMA, count, environment, kerma


def test_two_nights_at_once(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "reports"
    folder.mkdir()
    for n, raw in enumerate(reports()):
        (folder / f"{n}.dcm").write_bytes(raw)
    assert kerma(home, "ingest", str(folder)).returncode == 0
    running = [
        subprocess.Popen(
            [*KERMA, "doses", "skin", "--all", "--json"], env=environment(home),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [process.communicate(timeout=ENOUGH_S) for process in running]
    assert [p.returncode for p in running] == [0, 0], told
    counts = [Counter(json.loads(out)) for out, _ in told]
    assert all(sum(c.values()) == len(reports()) for c in counts)
    assert count(home, "doses_skindose") == len(reports())
    assert count(home, "doses_skindose", "status = 'refused' AND peak_mgy IS NULL") == len(
        reports()
    )
    again = kerma(home, "doses", "skin", "--all", "--json")
    assert json.loads(again.stdout) == {"unchanged": len(reports())}
    assert kerma(home, "verify").returncode == 0
    assert kerma(home, "doses", "skin").stdout.strip() == f"{len(reports())} unchanged"
