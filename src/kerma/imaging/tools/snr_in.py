"""SNR²in of a named radiation quality, by edition of the standard, and whether a beam can be it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Image, InputError
from kerma.reference import Row, row, rows

# A quality is set by its half-value layer, so the tube voltage may be trimmed a little. The nearest
# two qualities (28 and 30 kV) are 7 % apart. Design choice.
_MOST_KV_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class BeamQuality:
    """A radiation quality with its SNR²in.

    Attributes
    ----------
    name, edition
        As the row spells them.
    snr2_per_mm2_ugy
        SNR²in in 1/(mm² µGy).
    kv
        Tube voltage of the quality.
    entry
        The row of the data set ``snr-in``.
    rests_on
        Ids of the rows used.
    """

    name: str
    edition: str
    snr2_per_mm2_ugy: float
    kv: float
    entry: Row
    rests_on: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return what is stored with a result."""
        return {
            "quality": self.name,
            "edition": self.edition,
            "standard": self.entry.text("standard"),
            "snr2_in_per_mm2_ugy": self.snr2_per_mm2_ugy,
            "kv": self.kv,
            "source": self.entry.document,
            "confidence": self.entry.confidence,
            "row_sha256": self.entry.sha256,
            "rests_on": list(self.rests_on),
        }


def find(quality: str, edition: str) -> BeamQuality:
    """Return a radiation quality of one edition; spaces and case in its name do not matter.

    Raises
    ------
    InputError
        Code ``unknown-quality``; the message lists what there is.
    """
    wanted = _spelled(quality)
    for entry in rows("snr-in"):
        if _spelled(entry.text("quality")) == wanted and entry.text("edition") == edition.strip():
            beam = entry.text("beam")
            kv = row(beam).number("kV") if beam else entry.number("kV")
            return BeamQuality(
                entry.text("quality"),
                entry.text("edition"),
                entry.number("snr2_in"),
                kv,
                entry,
                (entry.id, beam) if beam else (entry.id,),
            )
    known = ", ".join(f"{r.text('quality')} ({r.text('edition')})" for r in rows("snr-in"))
    raise InputError(
        f"There is no SNR²in of “{quality}” in edition “{edition}”. There are: {known}.",
        code="unknown-quality",
        detail={"quality": quality, "edition": edition},
    )


def _spelled(name: str) -> str:
    return "".join(name.split()).upper()


def require_beam(images: Sequence[Image], quality: BeamQuality) -> tuple[str, ...]:
    """Refuse images whose headers contradict the quality; return warnings about what is not said.

    Raises
    ------
    InputError
        Code ``beam-quality``: tube voltage more than 5 % off, or another anode or filter than a
        quality that names them.
    """
    for image in images:
        kv = number(image.facts.get("KVP"))
        if kv is not None and abs(kv - quality.kv) > _MOST_KV_SHARE * quality.kv:
            raise _contradiction(quality, f"{quality.kv:g} kV", f"{kv:g} kV")
        for keyword, field in (("AnodeTargetMaterial", "anode"), ("FilterMaterial", "filter")):
            expected, said = quality.entry.text(field), words(image.facts.get(keyword))
            if expected and said and expected not in said:
                raise _contradiction(quality, f"{field} {expected}", f"{field} {', '.join(said)}")
    return (*_unsaid_voltage(images, quality), *_unsaid_materials(images, quality))


def _unsaid_voltage(images: Sequence[Image], quality: BeamQuality) -> tuple[str, ...]:
    if all(number(image.facts.get("KVP")) is not None for image in images):
        return ()
    return (
        "Not every image states its tube voltage, so the radiation quality could not be checked: "
        f"{quality.name} was taken as stated.",
    )


def _unsaid_materials(images: Sequence[Image], quality: BeamQuality) -> tuple[str, ...]:
    """Return a warning when a quality belongs to one filter and the headers do not name it."""
    wanted = [
        (keyword, quality.entry.text(field))
        for keyword, field in (("AnodeTargetMaterial", "anode"), ("FilterMaterial", "filter"))
    ]
    if not quality.entry.text("filter"):
        return ()
    if all(words(image.facts.get(keyword)) for image in images for keyword, _ in wanted):
        return ()
    beam = "/".join(name.lower() for _, name in wanted)
    return (
        f"Not every image states its anode and filter. SNR²in of {quality.name} is that of "
        f"{beam} alone: check that this was the beam.",
    )


def _contradiction(quality: BeamQuality, expected: str, said: str) -> InputError:
    return InputError(
        f"The radiation quality {quality.name} has {expected}; the images say {said}. Name the "
        "quality the images were taken with, or use the right images.",
        code="beam-quality",
        detail={"quality": quality.name, "expected": expected, "said": said},
    )


def contradiction(what: str, expected: str, said: str) -> InputError:
    """Return the refusal of a beam that is not the one stated."""
    return InputError(
        f"The beam does not fit: {what} has {expected}, but {said} is stated elsewhere. Correct "
        "the beam, or use the right images.",
        code="beam-quality",
        detail={"expected": expected, "said": said},
    )


def number(value: Any) -> float | None:
    """Return a header value as a number above zero, or ``None``."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if found > 0 else None


def words(value: Any) -> list[str]:
    """Return a header value as words in capitals; none when it is absent."""
    if value is None:
        return []
    several = [value] if isinstance(value, str) else list(value)
    return [str(v).strip().upper() for v in several]
