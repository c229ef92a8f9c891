"""Tables: sortable heads, pagers, exports. Order, page and filters all live in the address."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from kerma.service.web.components.library import register
from kerma.service.web.components.marks import icon


def _request(context: Context) -> HttpRequest:
    request: HttpRequest = context["request"]
    return request


def address(context: Context, **changes: Any) -> str:
    """Return this page's query with some parameters changed; ``None`` removes one."""
    query = _request(context).GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_block_tag(takes_context=True)
def table(
    context: Context, content: str, caption: str, show_caption: bool = False, cls: str = ""
) -> SafeString:
    """Wrap rows in a real table with a caption; it scrolls sideways on a narrow screen."""
    return format_html(
        '<div class="scroll" data-scroll role="region" aria-label="{}">'
        '<table class="{}"><caption class="{}">{}</caption>{}</table></div>',
        caption,
        cls,
        "" if show_caption else "unseen",
        caption,
        content,
    )


@register.simple_tag(takes_context=True)
def th(
    context: Context,
    title: str,
    key: str = "",
    *,
    num: bool = False,
    param: str = "sort",
    default: str = "",
    unit: str = "",
) -> SafeString:
    """Draw a column head; with `key` it is a link that sorts by it.

    The address carries ``?sort=key`` or ``?sort=-key``; `default` names the order used when it
    carries none.
    """
    cls = mark_safe(' class="n"') if num else ""
    text = format_html("{} <small>{}</small>", title, unit) if unit else title
    if not key:
        return format_html('<th scope="col"{}>{}</th>', cls, text)
    order = _request(context).GET.get(param, default)
    state = {key: "ascending", f"-{key}": "descending"}.get(order, "")
    target = f"-{key}" if order == key else key
    shape = {"ascending": "up", "descending": "down"}.get(state, "both")
    return format_html(
        '<th scope="col"{}{}><a href="{}">{}{}</a></th>',
        cls,
        format_html(' aria-sort="{}"', state) if state else "",
        address(context, **{param: target, "page": None}),
        text,
        icon(shape),
    )


@register.inclusion_tag("web/parts/pager.html", takes_context=True)
def pager(context: Context, page: Page[Any], noun: str = "rows") -> dict[str, Any]:
    """Show where in a list this page is, and the way on; filters stay in the address."""
    paginator = page.paginator
    links = [
        {"number": n, "url": address(context, page=n) if isinstance(n, int) else ""}
        for n in paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    ]
    return {
        "page": page,
        "noun": noun,
        "links": links if paginator.num_pages > 1 else [],
        "previous": address(context, page=page.number - 1) if page.has_previous() else "",
        "following": address(context, page=page.number + 1) if page.has_next() else "",
    }


@register.simple_tag(takes_context=True)
def exports(context: Context, formats: str = "csv xlsx json") -> SafeString:
    """Link to exactly the rows shown (all pages) as files: ``?format=csv`` and so on."""
    links = [
        format_html(
            '<a href="{}" download>{}</a>', address(context, format=f, page=None), f.upper()
        )
        for f in formats.split()
    ]
    return format_html(
        '<span class="exports">Export {}</span>',
        mark_safe(" ".join(links)),  # built above
    )


@register.simple_tag(takes_context=True)
def tabs(context: Context, items: Any, param: str = "tab", label: str = "Sections") -> SafeString:
    """Draw tabs whose choice is in the address; `items` are (key, title) or (key, title, count)."""
    items = [tuple(item) for item in items]
    here = _request(context).GET.get(param) or items[0][0]
    if here not in {item[0] for item in items}:
        here = items[0][0]
    links = [
        format_html(
            '<a href="{}"{}>{}{}</a>',
            address(context, **{param: None if i == 0 else item[0], "page": None}),
            mark_safe(' aria-current="page"') if item[0] == here else "",
            item[1],
            format_html(" <small>{}</small>", item[2]) if len(item) > 2 and item[2] else "",
        )
        for i, item in enumerate(items)
    ]
    return format_html(
        '<nav class="tabs" aria-label="{}">{}</nav>', label, mark_safe("".join(links))
    )
