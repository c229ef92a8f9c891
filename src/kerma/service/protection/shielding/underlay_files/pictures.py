"""Pictures: PNG, JPEG, TIFF."""

from __future__ import annotations

import io
import struct
import warnings

from PIL import Image, ImageOps

from kerma.core import InputError
from kerma.service.protection.shielding.underlay_files.kinds import (
    LONGEST_PX,
    MEDIA,
    DrawnPage,
    damaged,
    no_page,
)

# An A0 sheet at 300 dpi has 140 million pixels; what claims more is a mistake or an attack.
# Design choice.
MOST_PIXELS = 150_000_000
MOST_FRAMES = 500
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
# What Pillow raises of files that are not what they say.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError,
           AttributeError, OverflowError, ZeroDivisionError, struct.error)  # fmt: skip


def read(content: bytes, kind: str, page: int) -> DrawnPage:
    """Read a picture; it states no scale and has no lines.

    Raises
    ------
    InputError
        ``too-large``, ``no-page``, ``damaged``.
    """
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        # A warning below twice the limit would let a bomb through.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _read(content, kind, page)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            f"The picture has more than {MOST_PIXELS / 1e6:.0f} million pixels. Send it at a "
            "lower resolution.",
            code="too-large",
        ) from None
    except _BROKEN:
        raise damaged("picture") from None


def _read(content: bytes, kind: str, page: int) -> DrawnPage:
    image = Image.open(io.BytesIO(content), formats=[kind.upper()])
    pages = min(getattr(image, "n_frames", 1), MOST_FRAMES) if kind == "tiff" else 1
    if not 1 <= page <= pages:
        raise no_page(page, pages)
    if page > 1:
        image.seek(page - 1)
    image.draft("RGB", (LONGEST_PX, LONGEST_PX))
    plain = ImageOps.exif_transpose(_plain(image))
    plain.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return DrawnPage(png_of(plain), *plain.size, None, (), pages, MEDIA[kind])


def _plain(image: Image.Image) -> Image.Image:
    """Return an image in grey or in red, green and blue, upon white."""
    if image.mode in _DEEP:
        return _eight_bits(image)
    if image.mode == "1":
        return image.convert("L")  # so that thin lines stay when it is made smaller
    if image.mode in ("L", "RGB"):
        image.load()
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        # Made smaller first: four channels of a large sheet twice would be gigabytes.
        image = image.convert("RGBA")
        image.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return grey levels of more than eight bits from the darkest to the lightest."""
    wide = image.convert("F")
    low, high = wide.getextrema()
    span = float(high) - float(low)  # type: ignore[arg-type]  # of one band
    return wide.point(
        lambda v: v * (255.0 / (span or 1.0)) - low * (255.0 / (span or 1.0))
    ).convert("L")


def png_of(image: Image.Image) -> bytes:
    """Return a picture as PNG with nothing beside its pixels; grey where it has no colour."""
    if image.mode == "RGB":
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            image = red
    out = io.BytesIO()
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    bare.save(out, "PNG")
    return out.getvalue()
