"""The process that reads one file and ends: file in, one line of JSON and a PNG out."""

from __future__ import annotations

import json
import sys

from kerma.core import KermaError
from kerma.service.protection.shielding.underlay_files.kinds import DrawnPage, kind_of

# A reader that needs more was given something made to exhaust it. Design choices.
MOST_MEMORY = 3 * 2**30
MOST_SECONDS = 60


def confine() -> None:
    """Take away from this process what no drawing needs: memory, time, files to write."""
    try:
        import resource
    except ImportError:  # Windows: the one who started it ends it in time
        return
    for limit, value in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(limit)
        low = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (low, most))


def drawn(content: bytes, page: int) -> DrawnPage:
    """Read a page of a file of any kind that is known.

    Raises
    ------
    InputError
        In plain words what is wrong with the file.
    """
    kind = kind_of(content)
    if kind == "pdf":
        from kerma.service.protection.shielding.underlay_files import pdf

        return pdf.read(content, page)
    if kind == "dxf":
        from kerma.service.protection.shielding.underlay_files import dxf

        return dxf.read(content, page)
    from kerma.service.protection.shielding.underlay_files import pictures

    return pictures.read(content, kind, page)


def main() -> None:
    """Answer for the file on the standard input; the page is the only argument."""
    confine()
    out = sys.stdout.buffer
    try:
        found = drawn(sys.stdin.buffer.read(), int(sys.argv[1]))
    except KermaError as error:
        out.write(json.dumps({"error": error.as_dict()}).encode())
        return
    head = {
        "width": found.width, "height": found.height, "pages": found.pages,
        "metres_per_pixel": found.metres_per_pixel, "lines": found.lines,
        "media_type": found.media_type,
    }  # fmt: skip
    out.write(json.dumps(head).encode() + b"\n" + found.png)


if __name__ == "__main__":
    main()
