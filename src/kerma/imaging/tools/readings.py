"""What measurements of tabled readings share."""

from __future__ import annotations

from collections.abc import Sequence

from kerma.core import Image, InputError


def require_no_images(images: Sequence[Image]) -> None:
    """Refuse images where readings are measured.

    Raises
    ------
    InputError
        Code ``readings-not-images``.
    """
    if images:
        raise InputError(
            "This measurement takes tabled readings, not images. Give a table with its columns.",
            code="readings-not-images",
        )
