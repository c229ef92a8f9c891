"""The Vega bundle for interactive charts, taken from the installed ``vl_convert`` wheel."""

from __future__ import annotations

import threading
from functools import lru_cache

import vl_convert

_lock = threading.Lock()


@lru_cache(maxsize=1)
def _made() -> bytes:
    return str(vl_convert.javascript_bundle()).encode()


def bundle() -> bytes:
    """Return the JavaScript that draws Vega-Lite specs; making it takes two seconds, once."""
    with _lock:
        return _made()


def version() -> str:
    """Name the bundle's content, for the browser's cache."""
    return f"{vl_convert.__version__}-{vl_convert.get_vega_version()}"
