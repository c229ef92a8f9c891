"""What every test shares."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("KERMA_HOME", tempfile.mkdtemp(prefix="kerma-test-"))
