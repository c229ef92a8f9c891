"""The script that draws charts in the page, assembled once by `kerma.charts`."""

from __future__ import annotations

import threading

from kerma.charts import bundle_name, javascript_bundle

_lock = threading.Lock()


def bundle() -> bytes:
    """Return the script; the first call takes seconds, and only one thread makes it."""
    with _lock:
        return javascript_bundle().encode()


def version() -> str:
    """Name the script's content, for the browser's cache."""
    return bundle_name()
