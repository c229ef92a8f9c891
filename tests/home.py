"""A data folder for this run, named before Django reads its settings.

Loaded as an early plugin (``-p tests.home``): a conftest comes too late, the settings would point
at the folder a service keeps its data in.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

HOME = Path(tempfile.mkdtemp(prefix="kerma-test-"))
(HOME / "static").mkdir()
os.environ["KERMA_HOME"] = str(HOME)
# Spectra are made once for the run: a worker takes the folder of the process that started it, and
# the stages of the whole suite share one. What is kept has the same bits as what is made.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["KERMA_CACHE"] = os.environ.get("KERMA_TEST_CACHE") or str(HOME / "cache")
# The workers share out the cores: threads of the linear algebra within each would only wait for one
# another. Read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A file: the live server's threads lock one another out of a database in memory.
os.environ["KERMA_TEST_DATABASE"] = str(HOME / "test.sqlite3")


def pytest_unconfigure(config: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(HOME, ignore_errors=True)
