"""Phantom images of the simulated systems, as DICOM files with known truth.

A planar detector turns air kerma into pixel values linearly; its noise is Poisson in the absorbed
quanta plus Gaussian read-out noise. Sharpness, noise and CT numbers follow the system's true state
on the day, so a worn detector looks worn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerma.core import InputError
from kerma.simulate import ct, planar
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.department import load
from kerma.simulate.detector import Detector
from kerma.simulate.dicom_files import Array, Frame, Place, write_image
from kerma.simulate.models import System
from kerma.simulate.seeding import stream
from kerma.simulate.truth import State

PLANAR_KINDS = ("edge", "flat", "stp", "dark", "presentation")
CT_KINDS = ("ct-water", "ct-wire", "catphan504", "catphan604")
_CBCT = ("cbct_dental", "cbct_other")


@dataclass(frozen=True, slots=True)
class PhantomTruth:
    """What a set of phantom images is known to show.

    Attributes
    ----------
    kind
        One of `PLANAR_KINDS` or `CT_KINDS`.
    files
        Paths written, in the order of acquisition.
    values
        Truth by name, units at the end of the name (``mtf50_per_mm``, ``mean_pv``,
        ``water_hu`` ...).
    parameters
        What the matching measurement must be told (air kermas of flat fields).
    """

    kind: str
    system: str
    day: date
    seed: int
    files: tuple[Path, ...]
    values: Mapping[str, float]
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Made:
    """Frames with their truth, before they are files."""

    frames: tuple[Frame, ...]
    values: Mapping[str, float]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def kinds_for(system: System) -> tuple[str, ...]:
    """Return the kinds of phantom images a system can make."""
    if system.equipment_type in ("ct", *_CBCT):
        return CT_KINDS
    return PLANAR_KINDS if system.modality in load("detectors")["planar"] else ()


def kind_of_analysis(name: str) -> str | None:
    """Return the kind of image a measurement needs; ``None`` when none is simulated for it."""
    kinds: Mapping[str, str] = load("detectors")["kind_of_analysis"]
    return kinds.get(name)


def phantom_images(
    kind: str,
    system: System,
    day: date,
    *,
    state: State,
    folder: Path,
    seed: int,
    count: int | None = None,
) -> PhantomTruth:
    """Write the images of one phantom exposure or series and return their truth.

    Parameters
    ----------
    kind
        One of `kinds_for` (system).
    system
        Decides the detector and the header.
    day
        Day of acquisition.
    state
        True state of the system on the day (`History.state`).
    folder
        Where to write; created when missing.
    seed
        Of the department.
    count
        How many images, where the kind is a series (flat fields of rising air kerma, dark frames,
        slices); all of them by default.

    Raises
    ------
    InputError
        Code ``unknown-kind`` when the system cannot make such images.
    """
    if kind not in kinds_for(system):
        raise InputError(
            f"{system.name} makes no images of kind “{kind}”. It makes "
            f"{', '.join(kinds_for(system)) or 'none'}.",
            code="unknown-kind",
        )
    folder.mkdir(parents=True, exist_ok=True)
    rng = stream(seed, system.key, day, kind, "image")
    made = _MAKERS[kind](system, state, rng)
    when = datetime.combine(day, time(9, 30))
    files = []
    for number, frame in enumerate(made.frames[:count], start=1):
        path = folder / f"{system.key}-{day:%Y%m%d}-{kind}-{number:03d}.dcm"
        write_image(path, frame, Place(system, when, seed, kind, number))
        files.append(path)
    told = {
        name: value[:count] if isinstance(value, list) else value
        for name, value in made.parameters.items()
    }
    return PhantomTruth(kind, system.key, day, seed, tuple(files), dict(made.values), told)


def _edge(system: System, state: State, rng: np.random.Generator) -> _Made:
    detector = Detector.of(system, state)
    low, high = detector.plan["edge_ugy"]
    tilt = float(load("detectors")["edge_tilt_deg"])
    kerma = planar.edge(
        detector.shape,
        pixel_mm=detector.pixel_mm,
        sigma_mm=detector.sigma_mm,
        tilt_deg=tilt,
        low=low,
        high=high,
    )
    frequency = np.linspace(0.0, 1.2 / detector.pixel_mm, 4000)
    mtf = planar.edge_mtf(frequency, detector.sigma_mm, detector.pixel_mm, tilt)
    values = {
        "tilt_deg": tilt,
        "sigma_mm": detector.sigma_mm,
        "mtf50_per_mm": float(np.interp(0.5, mtf[::-1], frequency[::-1])),
        "mtf10_per_mm": float(np.interp(0.1, mtf[::-1], frequency[::-1])),
    }
    return _Made((detector.frame(detector.expose(kerma, rng)),), values)


def _flat_kerma(detector: Detector, kerma_ugy: float) -> Array:
    shading = float(load("detectors")["shading_percent_per_cm"])
    return planar.flat_field(
        detector.shape,
        mean=kerma_ugy,
        noise=0.0,
        seed=0,
        gradient_percent_per_cm=(shading, 0.0),
        pixel_mm=detector.pixel_mm,
    )


def _flat(system: System, state: State, rng: np.random.Generator) -> _Made:
    detector = Detector.of(system, state)
    kerma = float(detector.plan["flat_ugy"])
    noise, mean = detector.noise_pv(kerma), detector.mean_pv(kerma)
    values = {"kerma_ugy": kerma, "mean_pv": mean, "noise_pv": noise, "snr": mean / noise}
    pixels = detector.expose(_flat_kerma(detector, kerma), rng)
    return _Made((detector.frame(pixels),), values, {"kerma_ugy": kerma})


def _stp(system: System, state: State, rng: np.random.Generator) -> _Made:
    detector = Detector.of(system, state)
    kermas = [float(k) for k in detector.plan["flats_ugy"]]
    frames = tuple(
        detector.frame(
            detector.expose(_flat_kerma(detector, k), rng),
            ExposureInuAs=round(1000 * detector.plan["mas"] * k / detector.plan["flat_ugy"]),
        )
        for k in kermas
    )
    values = {"gain_pv_per_ugy": detector.plan["gain"], "offset_pv": detector.plan["offset"]}
    return _Made(frames, values, {"kerma_ugy": kermas})


def _dark(system: System, state: State, rng: np.random.Generator) -> _Made:
    detector = Detector.of(system, state)
    frames = planar.dark_frames(
        detector.shape,
        offset=float(detector.plan["offset"]),
        temporal=float(detector.plan["electronic_pv"]),
        fixed=0.4 * float(detector.plan["electronic_pv"]),
        seed=int(rng.integers(2**31)),
    )
    values = {
        "offset_pv": float(detector.plan["offset"]),
        "temporal_pv": float(detector.plan["electronic_pv"]),
        "fixed_pv": 0.4 * float(detector.plan["electronic_pv"]),
    }
    return _Made(tuple(detector.frame(f) for f in frames), values)


def _presentation(system: System, state: State, rng: np.random.Generator) -> _Made:
    """Return the edge as the viewer shows it: logarithm, sharpened, inverted; not measurable."""
    raw = _edge(system, state, rng)
    detector = Detector.of(system, state)
    top = 2.0 ** int(detector.plan["bits"]) - 1
    positive = np.clip(raw.frames[0].pixels, 1.0, None)
    shown = top * (1 - np.log(positive) / np.log(top))
    sharpened = planar.unsharp(shown, radius_px=8.0, gain=0.6)
    return _Made((detector.frame(sharpened, state="presentation"),), {})


def _ct_plan(system: System, name: str) -> tuple[Mapping[str, Any], Mapping[str, float]]:
    plan = load("detectors")["ct"]
    cbct = plan["cbct"] if system.equipment_type in _CBCT else {}
    return plan[name], cbct


def _ct_frame(pixels: Array, plan: Mapping[str, Any], index: int) -> Frame:
    common = load("detectors")["ct"]
    return Frame(
        pixels,
        "CT",
        float(plan["pixel_mm"]),
        bits=int(common["bits"]),
        intercept=int(common["intercept"]),
        z_mm=index * float(plan["thickness_mm"]),
        thickness_mm=float(plan["thickness_mm"]),
        more={"KVP": common["kv"], "ConvolutionKernel": plan["kernel"], "Exposure": 200},
    )


def _water(system: System, state: State, rng: np.random.Generator) -> _Made:
    plan, cbct = _ct_plan(system, "water")
    water = state["ct_number_hu"]
    cupping = float(cbct.get("cupping_hu", plan["cupping_hu"]))
    noise = plan["noise_hu"] * state["noise_scale"] * cbct.get("noise_scale", 1.0)
    shape = (int(plan["rows"]), int(plan["rows"]))
    phantom = ct.water_phantom(
        shape,
        pixel_mm=plan["pixel_mm"],
        diameter_mm=plan["diameter_mm"],
        water_hu=water,
        cupping_hu=cupping,
    )
    frames = []
    for index in range(plan["slices"]):
        grain = ct.noise(
            shape,
            sd_hu=noise,
            seed=int(rng.integers(2**31)),
            correlation_px=plan["noise_correlation_px"],
        )
        frames.append(_ct_frame(phantom + grain, plan, index))
    values = {"water_hu": water, "noise_hu": noise, "cupping_hu": cupping}
    return _Made(tuple(frames), values)


def _wire(system: System, state: State, rng: np.random.Generator) -> _Made:
    plan, cbct = _ct_plan(system, "wire")
    sigma = plan["sigma_mm"] * state["sharpness_scale"] * cbct.get("sigma_scale", 1.0)
    shape = (int(plan["rows"]), int(plan["rows"]))
    frames = []
    for index in range(plan["slices"]):
        # The wire leans a little, as it does in every phantom.
        x, y = shape[1] / 2 + 3.3 + 0.4 * index, shape[0] / 2 - 5.6
        drawn = ct.wires(
            shape,
            [(x, y)],
            pixel_mm=plan["pixel_mm"],
            sigma_mm=sigma,
            peak_hu=plan["peak_hu"],
            background_hu=float(plan["background_hu"]),
        )
        grain = ct.noise(shape, sd_hu=plan["noise_hu"], seed=int(rng.integers(2**31)))
        frames.append(_ct_frame(drawn + grain, plan, index))
    # exp(-2 pi² s² f²) = level  =>  f = sqrt(-ln(level) / 2) / (pi s)
    values = {
        f"mtf{percent:02d}_per_mm": float(np.sqrt(-np.log(percent / 100) / 2) / (np.pi * sigma))
        for percent in (50, 10)
    }
    return _Made(tuple(frames), {**values, "sigma_mm": sigma})


def _catphan(model: str, system: System, state: State, rng: np.random.Generator) -> _Made:
    cbct = system.equipment_type in _CBCT
    scan = CatphanScan(
        model=model,
        roll_deg=float(rng.uniform(-1.0, 1.0)),
        offset_mm=(float(rng.uniform(-2, 2)), float(rng.uniform(-2, 2))),
        noise_hu=(24.0 if cbct else 8.0) * state["noise_scale"],
        psf_sigma_mm=0.5 * state["sharpness_scale"],
        body_hu=90.0 + state["ct_number_hu"],
        seed=int(rng.integers(2**31)),
    )
    images = catphan_series(scan)
    values = {
        "roll_deg": scan.roll_deg,
        "noise_hu": scan.noise_hu,
        "psf_sigma_mm": scan.psf_sigma_mm,
        "body_hu": scan.body_hu,
    }
    return _Made(tuple(_slices(images, scan)), values)


def _slices(images: list[Any], scan: CatphanScan) -> Iterator[Frame]:
    common = load("detectors")["ct"]
    for image in images:
        yield Frame(
            image.pixels,
            "CT",
            scan.pixel_mm,
            bits=int(common["bits"]),
            intercept=int(common["intercept"]),
            z_mm=float(image.z_mm),
            thickness_mm=scan.thickness_mm,
            more={"KVP": common["kv"], "ConvolutionKernel": "Br40", "Exposure": 200},
        )


_MAKERS: Mapping[str, Callable[[System, State, np.random.Generator], _Made]] = {
    "edge": _edge,
    "flat": _flat,
    "stp": _stp,
    "dark": _dark,
    "presentation": _presentation,
    "ct-water": _water,
    "ct-wire": _wire,
    "catphan504": partial(_catphan, "catphan504"),
    "catphan604": partial(_catphan, "catphan604"),
}
