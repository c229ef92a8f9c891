"""Typeset a report's view to PDF/A, the same bytes for the same content on any machine."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import Any, Literal

import typst

from kerma.core import KermaError
from kerma.core.provenance import canonical
from kerma.reports.fonts import MONO, families, fonts
from kerma.reports.parts import SignedContent

# ISO 19005-3 (attachments allowed) with level A structure, and ISO 14289-1 for accessibility.
STANDARDS: list[Literal["a-3a", "ua-1"]] = ["a-3a", "ua-1"]


class TypesetError(KermaError):
    """The typesetter refused a report."""

    code = "typeset"


def typeset(template: str, report: SignedContent, view: dict[str, Any]) -> bytes:
    """Typeset a report.

    The content reaches the typesetter as data, never as markup. The PDF is dated with the time of
    issue (a draft with the time its content was fixed), and carries the content as an attached
    JSON file whose SHA-256 is the printed content hash.

    Parameters
    ----------
    template
        File in the ``typst`` folder.
    report
        The content that is attached.
    view
        What the template prints.

    Raises
    ------
    TypesetError
        The typesetter refused it, for example because a chart is not valid SVG.
    """
    moment = report.signing.issued_at or report.prepared_at
    inputs = {
        "view": json.dumps(view, ensure_ascii=False),
        "content": canonical(report.content()).decode(),
        "attachment": report.attachment,
        "fonts": json.dumps(families()),
        "mono": MONO,
    }
    with as_file(files("kerma.reports").joinpath("typst")) as folder:
        try:
            made = typst.compile(
                folder / template,
                root=folder,
                font_paths=fonts(),
                ignore_system_fonts=True,
                sys_inputs=inputs,
                pdf_standards=[*STANDARDS],
                timestamp=int(moment.timestamp()),
                format="pdf",
            )
        except typst.TypstError as error:
            raise TypesetError(
                f"The report could not be typeset: {error.message}. "
                "A chart or picture in it is probably damaged.",
                detail={"diagnostic": error.diagnostic},
            ) from error
    return bytes(made)
