"""What the phantom viewer needs: frames as raw 16-bit samples and regions with readable values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kerma.core import Image, Region
from kerma.service.web.components.numbers import quantity


def frame_samples(image: Image) -> tuple[bytes, dict[str, Any]]:
    """Encode a frame for the browser.

    Returns
    -------
    bytes, dict
        Little-endian unsigned 16-bit samples, row by row, and what turns them back into values:
        ``rows, columns, type, slope, intercept``. Whole numbers in range come through exactly;
        others lose at most half of 1/65535 of the frame's span, for display only.

    """
    finite = np.where(np.isfinite(image.pixels), image.pixels, np.nan)
    low, high = float(np.nanmin(finite)), float(np.nanmax(finite))
    whole = high - low <= 65535 and bool(np.all(finite == np.round(finite)))
    slope = 1.0 if whole or high == low else (high - low) / 65535
    samples = np.nan_to_num(np.round((finite - low) / slope), nan=0.0).astype("<u2")
    rows, columns = samples.shape
    facts = {
        "rows": rows,
        "columns": columns,
        "type": "uint16",
        "slope": slope,
        "intercept": low,
    }
    return samples.tobytes(), facts


def first_window(image: Image) -> dict[str, float]:
    """Return a window that shows the frame: its 1st to 99th percentile."""
    low, high = (float(v) for v in np.nanpercentile(image.pixels, (1, 99)))
    return {"centre": (low + high) / 2, "width": max(high - low, 1.0)}


def region_rows(regions: Iterable[Region | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return regions, from an analysis or from its stored copy, with their values in words."""
    rows = []
    for region in regions:
        data = dict(region.as_dict() if isinstance(region, Region) else region)
        data["values"] = [[name, quantity(q)] for name, q in data.get("values", {}).items()]
        rows.append(data)
    return rows
