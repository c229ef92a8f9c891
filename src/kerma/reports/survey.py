"""A survey report as PDF/A, the same bytes for the same content on any machine."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import Literal

import typst

from kerma.core import KermaError
from kerma.core.provenance import canonical
from kerma.reports.checks import check
from kerma.reports.content import SurveyReport
from kerma.reports.fonts import MONO, families, fonts
from kerma.reports.view import ATTACHMENT, view

# ISO 19005-3 (attachments allowed) with level A structure, and ISO 14289-1 for accessibility.
STANDARDS: list[Literal["a-3a", "ua-1"]] = ["a-3a", "ua-1"]


class TypesetError(KermaError):
    """The typesetter refused a report."""

    code = "typeset"


def build(report: SurveyReport) -> bytes:
    """Typeset a survey report.

    The content reaches the typesetter as data, never as markup. The PDF is dated with the time of
    issue (a draft with the time its content was fixed), and carries the content as an attached
    JSON file whose SHA-256 is the printed content hash.

    Raises
    ------
    InputError, IntegrityError
        The report contradicts itself or may not be issued; see `kerma.reports.checks.check`.
    TypesetError
        The typesetter refused it, for example because a chart is not valid SVG.

    """
    digest = report.content_hash
    check(report, digest)
    moment = report.signing.issued_at or report.prepared_at
    inputs = {
        "view": json.dumps(view(report, digest), ensure_ascii=False),
        "content": canonical(report.content()).decode(),
        "attachment": ATTACHMENT,
        "fonts": json.dumps(families()),
        "mono": MONO,
    }
    with as_file(files("kerma.reports").joinpath("typst")) as folder:
        try:
            made = typst.compile(
                folder / "survey.typ",
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
