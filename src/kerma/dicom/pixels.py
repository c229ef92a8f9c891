"""Read DICOM images: pixel values, geometry and harmless header facts."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from kerma.core import Image, InputError, UnsupportedError
from kerma.dicom import facts as header
from kerma.dicom import geometry
from kerma.dicom.guard import damaged_file
from kerma.dicom.sources import Source, looks_like_dicom, walk

# Design choice: 2 GiB as 32-bit floats, about 100 mammograms' worth.
MAX_PIXELS = 2**29
# Stored values are copied once, when they are scaled; the decoder need not copy them as well.
_DECODING: Mapping[str, Any] = {"view_only": True}
# Slices are put side by side in blocks of this many bytes: memory is had from the system in large
# pages then, in a third of the time of a block for each (design choice).
_BLOCK_BYTES = 16 * 2**20
_PIXEL_ELEMENTS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def read_images(path: Path | Sequence[Path]) -> list[Image]:
    """Read every image of a file, a folder (and the folders in it), several files or a zip.

    Pixels are HU for CT (Rescale Slope and Intercept applied) and stored values for everything
    else; MONOCHROME1 is noted in the facts and not inverted. They are 32-bit floats when these
    hold every possible value exactly (16 stored bits, whole rescale numbers), else 64-bit.

    Parameters
    ----------
    path
        What to read. A file named by itself must be an image. In a folder or archive, files that
        are not DICOM and objects without pixels are passed over; a damaged image is not, because
        a series with a hole in it measures wrongly.

    Returns
    -------
    list of Image
        Frames in order of series number, then position along the slice normal (else instance
        number). ``facts["spacing_from"]`` says which element the spacing came from.

    Raises
    ------
    InputError
        Codes ``not-dicom``, ``no-pixels``, ``broken-dicom``, ``broken-pixels``, ``no-rescale``,
        ``no-images``, and those of `kerma.dicom.sources.walk`.
    UnsupportedError
        Codes ``colour-image``, ``transfer-syntax``, ``too-many-pixels``.
    """
    frames: list[tuple[tuple[Any, ...], Image]] = []
    reader, room = header.Reader(), _Room()
    for source in walk(path):
        with damaged_file(source.name):
            dataset = _open(source)
            if dataset is None or not _has_pixels(source, dataset):
                continue
            digest = hashlib.sha256(source.data).hexdigest()
            for index, image in enumerate(_frames(source.name, dataset, digest, reader, room)):
                frames.append((_order(image, index, source.name), image))
    if not frames:
        raise InputError(
            "There is no DICOM image in what was given. Choose image files, a folder of them or a "
            "zip.",
            code="no-images",
        )
    return [image for _, image in sorted(frames, key=lambda pair: pair[0])]


def read_headers(path: Path | Sequence[Path]) -> list[Mapping[str, Any]]:
    """Read the facts of every DICOM object without decoding pixels; see `read_images`.

    Each mapping also holds ``file`` (name), ``sha256``, ``processing`` and ``Rows``, ``Columns``
    where stated.

    Raises
    ------
    InputError
        Codes ``not-dicom``, ``broken-dicom`` and those of `kerma.dicom.sources.walk`.
    """
    found: list[Mapping[str, Any]] = []
    for source in walk(path):
        with damaged_file(source.name):
            dataset = _open(source)
            if dataset is None:
                continue
            found.append(
                {
                    **header.read(dataset),
                    "Rows": header.plain(dataset.get("Rows")),
                    "Columns": header.plain(dataset.get("Columns")),
                    "file": source.name,
                    "sha256": hashlib.sha256(source.data).hexdigest(),
                    "processing": geometry.processing(dataset),
                }
            )
    return found


def _open(source: Source) -> Dataset | None:
    """Parse one object; ``None`` for a file that merely lies beside the images."""
    if not looks_like_dicom(source.data):
        if not source.named:
            return None
        raise InputError(
            f"{source.name} is not a DICOM file. Choose what the X-ray system or PACS exported.",
            code="not-dicom",
            detail={"file": source.name},
        )
    dataset: Dataset = pydicom.dcmread(io.BytesIO(source.data), force=True)
    if len(dataset) == 0:
        raise EOFError("no data elements")
    return dataset


def _has_pixels(source: Source, dataset: Dataset) -> bool:
    if any(keyword in dataset for keyword in _PIXEL_ELEMENTS):
        return True
    if source.named or "Rows" in dataset:
        raise InputError(
            f"{source.name} holds no pixels: it is another kind of DICOM object, or it was cut "
            "short. Export the image again.",
            code="no-pixels",
            detail={"file": source.name, "sop_class": str(dataset.get("SOPClassUID", ""))},
        )
    return False


class _Room:
    """Memory for the pixels of many slices."""

    def __init__(self) -> None:
        self._free = np.empty(0, dtype=np.uint8)

    def take(
        self, shape: tuple[int, ...], kind: type[np.floating[Any]]
    ) -> npt.NDArray[np.floating[Any]]:
        """Return an array that nothing has been written to."""
        size = math.prod(shape) * np.dtype(kind).itemsize
        if 4 * size > _BLOCK_BYTES:
            return np.empty(shape, dtype=kind)
        if size > len(self._free):
            self._free = np.empty(_BLOCK_BYTES, dtype=np.uint8)
        # Each begins on a whole cache line.
        taken, self._free = self._free[:size], self._free[-(-size // 64) * 64 :]
        return taken.view(kind).reshape(shape)


def _frames(
    name: str, dataset: Dataset, digest: str, reader: header.Reader, room: _Room
) -> Iterator[Image]:
    facts = reader.read(dataset)
    reader.share(dataset)
    _refuse_colour(name, dataset)
    decoded = _decode(name, dataset)
    if facts.get("PhotometricInterpretation") == "MONOCHROME1":
        facts["monochrome1"] = True
    modality = str(dataset.get("Modality") or "")
    state = geometry.processing(dataset)
    top = _largest_stored(dataset)
    for index, stored in enumerate(decoded):
        stated = geometry.frame(dataset, index)
        slope, intercept = _rescale(name, modality, stated)
        yield Image(
            pixels=_scaled(stored, slope, intercept, room),
            spacing_mm=stated.spacing_mm,
            modality=modality,
            processing=state,
            sha256=digest,
            facts={
                **facts,
                "spacing_from": stated.spacing_from,
                "frame": index,
                "frames": len(decoded),
            },
            z_mm=stated.z_mm,
            thickness_mm=stated.thickness_mm,
            saturated_at=None if top is None else top * slope + intercept,
        )


def _refuse_colour(name: str, dataset: Dataset) -> None:
    kind = str(dataset.get("PhotometricInterpretation") or "")
    if dataset.get("SamplesPerPixel", 1) != 1 or (kind and not kind.startswith("MONOCHROME")):
        raise UnsupportedError(
            f"{name} is a colour picture ({kind or 'several samples a pixel'}), probably a screen "
            "shot. Measurements need the greyscale image as acquired.",
            code="colour-image",
            detail={"file": name, "photometric": kind},
        )


def _transfer_syntax(dataset: Dataset) -> UID:
    stated = getattr(dataset, "file_meta", Dataset()).get("TransferSyntaxUID")
    if stated:
        return UID(stated)
    # An object without file meta information was written in one of the three plain syntaxes;
    # pydicom found out which while reading.
    implicit, little = dataset.original_encoding
    if implicit:
        return UID(ImplicitVRLittleEndian)
    return UID(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


def _decode(name: str, dataset: Dataset) -> npt.NDArray[Any]:
    """Return stored values, shape (frames, rows, columns)."""
    syntax = _transfer_syntax(dataset)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise UnsupportedError(
            f"{name} is stored as “{syntax.name}”, which Kerma does not read. Export it "
            "uncompressed.",
            code="transfer-syntax",
            detail={"file": name, "transfer_syntax": str(syntax)},
        ) from None
    if not decoder.is_available:
        missing = "; ".join(decoder.missing_dependencies)
        raise UnsupportedError(
            f"{name} is compressed as “{syntax.name}” and no decoder for it is installed. Export "
            f"it uncompressed, or install one of: {missing}.",
            code="transfer-syntax",
            detail={"file": name, "transfer_syntax": str(syntax), "missing": missing},
        )
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if rows * columns * frames > MAX_PIXELS:
        raise UnsupportedError(
            f"{name} has {frames} frame(s) of {columns} × {rows} pixels, more than Kerma reads at "
            "once. Export fewer frames.",
            code="too-many-pixels",
            detail={"file": name},
        )
    plain = _plain(dataset, syntax, frames * rows * columns)
    if plain is not None:
        return plain.reshape(frames, rows, columns)
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = syntax
    try:
        with damaged_file(name, code="broken-pixels"):
            array: npt.NDArray[Any] = decoder.as_array(dataset, raw=True, **_DECODING)[0]
            return array.reshape(frames, rows, columns)
    except InputError as error:
        error.message = (
            f"The pixels of {name} are damaged or cut short (expected {frames} × {rows} × "
            f"{columns}). Export or send it again."
        )
        error.args = (error.message,)
        raise


def _plain(dataset: Dataset, syntax: UID, count: int) -> npt.NDArray[Any] | None:
    """Return stored values that are 16-bit numbers one after another, as most slices hold them.

    ``None`` for everything else, which the decoder reads or refuses.
    """
    stated = (dataset.get("BitsAllocated"), dataset.get("BitsStored"), dataset.get("HighBit"))
    data = dataset.get("PixelData")
    kind = {0: "<u2", 1: "<i2"}.get(dataset.get("PixelRepresentation", -1))
    if syntax not in (ImplicitVRLittleEndian, ExplicitVRLittleEndian) or stated != (16, 16, 15):
        return None
    if kind is None or not isinstance(data, bytes) or len(data) != 2 * count:
        return None
    return np.frombuffer(data, dtype=kind)


def _largest_stored(dataset: Dataset) -> float | None:
    bits = dataset.get("BitsStored")
    if not bits or "PixelData" not in dataset:
        return None
    signed = dataset.get("PixelRepresentation", 0) == 1
    return float(2 ** (int(bits) - (1 if signed else 0)) - 1)


def _rescale(name: str, modality: str, stated: geometry.Frame) -> tuple[float, float]:
    if modality != "CT":
        return 1.0, 0.0
    if stated.slope is None or stated.intercept is None or stated.slope == 0:
        raise InputError(
            f"{name} is a CT object that does not state Rescale Slope and Intercept, so its pixels "
            "cannot be given in HU. Export the original slices, not a screen capture.",
            code="no-rescale",
            detail={"file": name},
        )
    return stated.slope, stated.intercept


def _scaled(
    stored: npt.NDArray[Any], slope: float, intercept: float, room: _Room
) -> npt.NDArray[np.floating[Any]]:
    whole = slope.is_integer() and intercept.is_integer()
    exact = stored.dtype.itemsize <= 2 and whole and abs(slope) * 2**16 + abs(intercept) < 2**24
    if stored.dtype == np.float32 and (slope, intercept) == (1.0, 0.0):
        exact = True
    kind: type[np.floating[Any]] = np.float32 if exact else np.float64
    values = room.take(stored.shape, kind)
    np.copyto(values, stored)
    if slope != 1.0:
        np.multiply(values, kind(slope), out=values)
    if intercept != 0.0:
        np.add(values, kind(intercept), out=values)
    values.flags.writeable = False
    return values


def _order(image: Image, index: int, name: str) -> tuple[Any, ...]:
    def number(keyword: str) -> float:
        value = image.facts.get(keyword)
        return float(value) if isinstance(value, (int, float)) else float("inf")

    return (
        number("SeriesNumber"),
        str(image.facts.get("SeriesInstanceUID", "")),
        image.z_mm if image.z_mm is not None else float("inf"),
        number("InstanceNumber"),
        name,
        index,
    )
