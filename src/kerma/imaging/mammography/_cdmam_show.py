"""What a reading of a CDMAM phantom shows beside its thresholds: remarks, geometry, cell map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, Quantity, Region, quantity
from kerma.imaging.mammography._cdmam_parameters import Parameters
from kerma.imaging.mammography._cdmam_place import Placed
from kerma.imaging.mammography._cdmam_spec import CdmamSpec

Array = npt.NDArray[np.floating[Any]]
Whole = npt.NDArray[np.intp]

# EUREF practice (recalled): eight images or more, sixteen preferred.
FEW = 8


def remarks(
    spec: CdmamSpec, chosen: Parameters, images: Sequence[Image], placed: Sequence[Placed]
) -> list[str]:
    said = []
    if len(images) < FEW:
        said.append(f"Only {len(images)} images: {FEW} or more are usual, 16 are better.")
    if spec.provisional:
        said.append(spec.provisional)
    if spec.corners is None:
        said.append(
            "The corners were found from the images themselves, each image judged by the others: "
            "thresholds read high, by about 8 % with 8 images, 3 % with 16 and 1 % with 32."
        )
    if chosen.grid_px is not None:
        said.append("The grid was set by hand.")
    if placed[0].mirrored:
        said.append("The image is mirrored against the phantom's description; the reading follows.")
    if chosen.magnification is None and spec.pitch_mm is None:
        said.append(
            f"The magnification is not known; discs were looked for at {placed[0].scale:g} times "
            "their size. Give pitch_mm or magnification."
        )
    return said


def geometry(spec: CdmamSpec, placed: Sequence[Placed], image: Image) -> dict[str, Quantity]:
    pixel = image.require_spacing()[1]
    n = len(placed)
    pitches = np.array([p.setting.pitch_px * pixel for p in placed])
    tilts = np.array([(p.turn_deg + 22.5) % 45.0 - 22.5 for p in placed])
    u_px = float(np.mean([p.u_px for p in placed]))
    cells = 8.0
    u_pitch = u_px * pixel / cells
    u_tilt = math.degrees(u_px / (cells * placed[0].setting.pitch_px))
    values = {
        "cell_pitch": quantity(float(pitches.mean()), "mm", u_pitch),
        "tilt": quantity(float(tilts.mean()), "deg", u_tilt),
    }
    if n > 1:
        values["cell_pitch"] = quantity(
            float(pitches.mean()),
            "mm",
            math.hypot(u_pitch, float(pitches.std(ddof=1)) / math.sqrt(n)),
        )
    if spec.pitch_mm is not None:
        pitch = values["cell_pitch"]
        values["magnification"] = quantity(
            pitch.value / spec.pitch_mm, "1", (pitch.u or 0.0) / spec.pitch_mm
        )
    return values


def described(
    spec: CdmamSpec, placed: Sequence[Placed], gold: dict[str, Any], factors: dict[str, Any]
) -> dict[str, Any]:
    first = placed[0]
    return {
        "phantom": spec.title,
        "description": {"confidence": dict(spec.confidence), "sources": dict(spec.sources)},
        "arrangement": first.setting.matrix.label,
        "cells": len(first.setting.matrix),
        "gold": gold,
        "human_factors": factors,
        "corners_from": "images" if spec.corners is None else "given",
        "corner_offset_cells": first.setting.offset,
        "placed": [
            {"turn_deg": p.turn_deg, "mirrored": p.mirrored, "agreement": p.agreement,
             "likeness": p.likeness, "discs_darker": p.sign < 0,
             "discs_off_lines_px": list(p.shift_px)}
            for p in placed
        ],
    }  # fmt: skip


def maps(
    spec: CdmamSpec, placed: Placed, right: npt.NDArray[np.bool_], corners: Whole
) -> dict[str, Any]:
    """Return the corner of each cell and each image's right choices of corner discs, as rows."""
    matrix = placed.setting.matrix

    def rows(values: Any) -> list[str]:
        table = np.full(spec.shape, ".", dtype="<U1")
        table[matrix.row, matrix.column] = [str(int(v)) for v in values]
        return ["".join(r) for r in table]

    return {"corners": rows(corners), "right_by_image": [rows(image) for image in right]}


def regions(spec: CdmamSpec, placed: Placed, share: Array, corners: Whole) -> tuple[Region, ...]:
    setting, matrix = placed.setting, placed.setting.matrix
    x, y = setting.places()
    found = []
    for cell in range(len(matrix)):
        i, j = float(matrix.x[cell]), float(matrix.y[cell])
        sides = setting.lattice.at(
            [i - 0.5, i + 0.5, i + 0.5, i - 0.5], [j - 0.5, j - 0.5, j + 0.5, j + 0.5]
        )
        outline = tuple((float(a), float(b)) for a, b in zip(*sides, strict=True))
        size = f"{spec.diameters_mm[matrix.row[cell]]:g} mm, "
        thick = f"{spec.thickness_um[matrix.row[cell], matrix.column[cell]]:g} µm"
        found.append(
            Region(
                size + thick, "polygon", outline, 0,
                {"corner_right": quantity(100 * float(share[1, cell]), "%"),
                 "middle_right": quantity(100 * float(share[0, cell]), "%")},
            )
        )  # fmt: skip
        radius = max(1.5, float(setting.diameter_px[cell]) / 2)
        at = int(corners[cell])
        px, py = float(x[at, cell]), float(y[at, cell])
        found.append(Region(f"{size}{thick}: corner disc", "circle", ((px, py), (px + radius, py))))
    return tuple(found)
