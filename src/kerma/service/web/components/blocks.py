"""Larger pieces that wrap other markup: panels, drawers, dialogues."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kerma.service.web.components.library import register


@register.simple_block_tag
def panel(
    content: str, title: str = "", aside: str = "", level: int = 2, id: str = ""
) -> SafeString:
    """Draw a bordered panel with a head line: title on the left, `aside` on the right."""
    head = ""
    if title or aside:
        head = format_html(
            '<header class="bar"><h{0}>{1}</h{0}><span class="aside">{2}</span></header>'
            if title
            else '<header class="bar"><span class="aside">{2}</span></header>',
            level,
            title,
            aside,
        )
    return format_html(
        '<section class="panel"{}>{}{}</section>',
        format_html(' id="{}"', id) if id else "",
        head,
        content,
    )


@register.simple_block_tag
def drawer(content: str, summary: str, open: bool = False) -> SafeString:
    """Draw a drawer that says more on request."""
    return format_html(
        '<details class="drawer"{}><summary>{}</summary><div>{}</div></details>',
        SafeString(" open") if open else "",
        summary,
        content,
    )


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """Draw a native dialogue; ``{% opens id "Text" %}`` draws the button that opens it."""
    return format_html(
        '<dialog id="{0}" aria-labelledby="{0}-title"><h2 id="{0}-title">{1}</h2>{2}</dialog>',
        id,
        title,
        content,
    )


@register.simple_tag
def opens(id: str, text: str, cls: str = "btn ghost") -> SafeString:
    """Draw the button that opens a dialogue."""
    return format_html(
        '<button type="button" class="{}" data-opens="{}" aria-haspopup="dialog">{}</button>',
        cls,
        id,
        text,
    )


@register.simple_block_tag(takes_context=True)
def confirm(
    context: Any,
    content: str,
    id: str,
    title: str,
    action: str,
    verb: str,
    tone: str = "",
) -> SafeString:
    """Draw the dialogue in which a person confirms a legal act.

    The content says what the act means and holds any further fields; the form posts to `action`
    with the CSRF token. `verb` is the word on the button (Sign, Issue, Withdraw); `tone` ``bad``
    makes it red.
    """
    return SafeString(
        render_to_string(
            "web/parts/confirm.html",
            {
                "id": id,
                "title": title,
                "action": action,
                "verb": verb,
                "tone": tone,
                "content": content,
            },
            request=context.get("request"),
        )
    )
