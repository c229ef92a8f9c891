"""Pieces of record pages: stepper, cards, facts, timeline, signatures, charts, viewer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from kerma.charts import Chart, spec, svg
from kerma.service.web.components.library import register


@register.simple_tag
def stepper(states: Iterable[Any], current: str) -> SafeString:
    """Show the states of a record in order with the present one marked.

    `states` are (key, title) pairs, such as a ``TextChoices.choices``, or plain words.
    """
    pairs = [(s, str(s).capitalize()) if isinstance(s, str) else tuple(s)[:2] for s in states]
    keys = [str(key) for key, _ in pairs]
    here = keys.index(str(current))
    steps = format_html_join(
        "",
        '<li class="{}"{}>{}{}</li>',
        (
            (
                "done" if i < here else "now" if i == here else "",
                mark_safe(' aria-current="step"') if i == here else "",
                title,
                mark_safe('<span class="unseen"> (done)</span>') if i < here else "",
            )
            for i, (_, title) in enumerate(pairs)
        ),
    )
    return format_html('<ol class="stepper" aria-label="State">{}</ol>', steps)


@register.simple_tag
def stat(count: Any, text: str, url: str = "", tone: str = "") -> SafeString:
    """Draw a count that leads to the rows it counts; `tone` ``hot`` for what cannot wait."""
    inner = format_html("<b>{}</b><span>{}</span>", count, text)
    cls = f"card {tone}".strip()
    if url:
        return format_html('<a class="{}" href="{}">{}</a>', cls, url, inner)
    return format_html('<div class="{}">{}</div>', cls, inner)


@register.simple_tag
def empty(text: str, hint: str = "", url: str = "", action: str = "") -> SafeString:
    """Say that there is nothing here, why, and what to do next."""
    return format_html(
        '<div class="empty"><strong>{}</strong>{}{}</div>',
        text,
        format_html("<p>{}</p>", hint) if hint else "",
        format_html('<p><a class="btn ghost" href="{}">{}</a></p>', url, action) if url else "",
    )


@register.simple_tag
def facts(pairs: Iterable[tuple[Any, Any]] | Mapping[Any, Any]) -> SafeString:
    """Draw a list of terms and values; a value of ``None`` shows a dash, never nothing."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    rows = format_html_join(
        "",
        "<div><dt>{}</dt><dd>{}</dd></div>",
        ((term, "\N{EN DASH}" if value in (None, "") else value) for term, value in items),
    )
    return format_html('<dl class="facts">{}</dl>', rows)


@register.inclusion_tag("web/parts/timeline.html")
def timeline(entries: Sequence[Any]) -> dict[str, Any]:
    """Draw what happened to a system, newest first.

    An entry has ``date`` and ``title``, and may have ``kind``, ``verdict``, ``url``, ``detail``
    and ``who``.
    """
    return {"entries": entries}


@register.inclusion_tag("web/parts/obtained.html")
def obtained(result: Any, open: bool = False) -> dict[str, Any]:
    """Say how a number was obtained: inputs, formula, algorithm, level and its source.

    `result` is a mapping or object; every part is optional: ``sentence``, ``value``, ``inputs``
    (name, value pairs), ``formula``, ``algorithm``, ``version``, ``package``, ``parameters``
    (pairs), ``input_hashes``, ``instrument``, ``certificate``, ``level`` (a `Level` or its frozen
    copy), ``verified``, ``recorded`` (who and when).
    """
    level = result.get("level") if isinstance(result, Mapping) else getattr(result, "level", None)
    frozen = level if isinstance(level, Mapping) or level is None else level.as_dict()
    return {"r": result, "level": frozen, "open": open}


@register.inclusion_tag("web/parts/signatures.html")
def signatures(items: Sequence[Any], needed: Sequence[str] = ()) -> dict[str, Any]:
    """Show who signed, in what capacity, for what meaning and on which hash.

    A signature has ``meaning``, ``name``, ``capacity``, ``signed_at``, ``content_hash``; `needed`
    names the meanings still missing.
    """
    return {"items": items, "needed": needed}


@register.inclusion_tag("web/parts/person.html")
def person(
    name: str, role: str = "", credentials: Sequence[Any] = (), url: str = ""
) -> dict[str, Any]:
    """Show a person with their credentials (words, or objects with ``name`` and ``state``)."""
    return {"name": name, "role": role, "credentials": credentials, "url": url}


@register.inclusion_tag("web/parts/viewer.html")
def viewer(src: str, title: str, save_url: str = "", facts: str = "") -> dict[str, Any]:
    """Draw the phantom viewer; `src` answers with the JSON ``viewer.js`` describes.

    With `save_url` a person may correct regions, with a reason.
    """
    return {"src": src, "title": title, "save_url": save_url, "facts": facts}


@register.inclusion_tag("web/parts/chart.html")
def chart(drawn: Chart, title: str = "", table: str = "") -> dict[str, Any]:
    """Draw a chart: the server's SVG at once, the same spec made interactive by ``chart.js``.

    `table` is markup of the same data, one key away.
    """
    text = json.dumps(spec(drawn), ensure_ascii=False)
    # The only way out of a data block is its end tag; escaping "<" closes it.
    safe = mark_safe(text.replace("<", "\\u003c"))
    return {
        "spec": safe,
        "svg": mark_safe(svg(drawn)),  # drawn by vl-convert from the same spec
        "alt": drawn.alt,
        "title": title,
        "table": table,
    }
