"""Pages carry no code of their own and load nothing from elsewhere: the strict policy holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.arch import tree

HTML = tree.files(tree.SRC, suffix=".html")
_COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)
_SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.DOTALL)
_TAG = re.compile(
    r"<(?!/)(?P<name>[a-zA-Z][\w-]*)(?P<attributes>(?:\{[{%].*?[%}]\}|[^<>])*)>", re.DOTALL
)
_HANDLER = re.compile(r"""(?<![\w:.-])on[a-z]+\s*=\s*["'{]""")
_STYLE = re.compile(r"""(?<![\w-])style\s*=""")
_ELSEWHERE = re.compile(r"""(?:src|href|action|data|poster|srcset)\s*=\s*["']?(?:https?:)?//""")


def faults(text: str) -> list[str]:
    """Return what a template holds that none may."""
    text = _COMMENT.sub("", text)
    found = [
        "code inside a script element"
        for script in _SCRIPT.finditer(text)
        if script["body"].strip() and "application/json" not in script["attributes"]
    ]
    for tag in _TAG.finditer(text):
        attributes = tag["attributes"]
        if _HANDLER.search(attributes):
            found.append(f"a handler in <{tag['name']}>")
        if _STYLE.search(attributes):
            found.append(f"a style attribute in <{tag['name']}>")
        if tag["name"] != "a" and _ELSEWHERE.search(attributes):
            found.append(f"<{tag['name']}> loads from elsewhere")
        if tag["name"] == "style":
            found.append("a style element")
    return found


def test_there_are_templates() -> None:
    assert len(HTML) > 50


def test_templates_hold_no_code_and_load_nothing_from_elsewhere() -> None:
    found = {tree.relative(p): f for p in HTML if (f := faults(p.read_text(encoding="utf-8")))}
    assert found == {}


def test_style_sheets_and_scripts_load_nothing_from_elsewhere() -> None:
    pattern = re.compile(r"""(?:url\(|@import|fetch\(|import\(|from)\s*["']?(?:https?:)?//""")
    own = [p for suffix in (".css", ".js", ".svg") for p in tree.files(tree.SRC, suffix=suffix)]
    assert {tree.relative(p): m.group() for p in own if (m := pattern.search(p.read_text()))} == {}


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("<script>alert(1)</script>", "code inside"),
        ("<script type='module'>\n go()\n</script>", "code inside"),
        ('<button onclick="go()">x</button>', "a handler"),
        ("<p class='a'\n style=\"color:red\">x</p>", "a style attribute"),
        ("<style>p { color: red }</style>", "a style element"),
        ("<script src='https://elsewhere.example/x.js'></script>", "from elsewhere"),
        ("<img src=//elsewhere.example/x.png>", "from elsewhere"),
        ("<input {% if a > b %}checked{% endif %} onchange='go()'>", "a handler"),
    ],
)
def test_a_planted_fault_would_be_seen(planted: str, fault: str) -> None:
    assert any(fault in found for found in faults(planted))


@pytest.mark.parametrize(
    "innocent",
    [
        '<script type="application/json">{"a": 1}</script>',
        '<script type="module" src="{% static "web/ui.js" %}"></script>',
        '<a href="https://www.gov.uk/">the law</a>',
        '<button hx-on="x" data-onward="1">x</button>',
        "{# <p style='x'> #}",
    ],
)
def test_what_is_allowed_is_left_alone(innocent: str) -> None:
    assert faults(innocent) == []


def test_templates_are_found_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a" / "templates").mkdir(parents=True)
    (tmp_path / "a" / "templates" / "x.html").write_text("<p onclick='x'>")
    assert [p.name for p in tree.files(tmp_path, suffix=".html")] == ["x.html"]
