"""Stored figures and tables of papers, drawn in a page."""

from __future__ import annotations

import base64

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kerma.core.typeset import pretty_text
from kerma.reports.paper import Table
from kerma.service.web.components.library import register


@register.filter
def svgdata(text: str) -> str:
    """Return an SVG as an address an image can show; nothing in it can run there."""
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"


@register.filter
def pngdata(content: bytes) -> str:
    """Return a PNG as an address an image can show."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


@register.simple_tag
def papertable(table: Table) -> SafeString:
    """Draw a table of a paper, numbers to the right."""
    sides = ["n" if c.align == "right" else "" for c in table.columns]
    heads = format_html_join(
        "", '<th scope="col" class="{}">{}</th>',
        ((side, pretty_text(c.head)) for side, c in zip(sides, table.columns, strict=True)),
    )  # fmt: skip
    rows = format_html_join(
        "", "<tr>{}</tr>",
        (
            (
                format_html_join(
                    "", '<td class="{}">{}</td>',
                    ((s, pretty_text(cell)) for s, cell in zip(sides, row, strict=True)),
                ),
            )
            for row in table.rows
        ),
    )  # fmt: skip
    caption = table.caption or "Table"
    return format_html(
        '<div class="scroll" data-scroll role="region" aria-label="{0}"><table class="dense">'
        '<caption class="{1}">{0}</caption><thead><tr>{2}</tr></thead><tbody>{3}</tbody>'
        "</table></div>",
        caption, "" if table.caption else "unseen", heads, rows,
    )  # fmt: skip
