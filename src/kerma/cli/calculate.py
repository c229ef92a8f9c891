"""``kerma calculate``: one calculation, as a physicist would write it down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from kerma.core import InputError

out = Console(soft_wrap=True)


def calculate(
    key: Annotated[str, typer.Argument(help="Calculator, such as ct-effective-dose; or list.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE…", help="Inputs: 'dlp=400 mGy.cm', dlp-u='5 %'."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
) -> None:
    """Work a calculation out and print it with its working; stores nothing."""
    from kerma.service.protection.calculators import working
    from kerma.service.protection.calculators.kinds import calculators, find

    if key == "list":
        listed = [working.described(c) for c in calculators().values()]
        if as_json:
            print(json.dumps(listed, ensure_ascii=False))
        else:
            for told in listed:
                _line(f"{told['key']:30} {told['title']}")
        return
    item = find(key)
    if not inputs:
        _takes(working.described(item), as_json)
        return
    made = working.answer(item, dict(_input(text) for text in inputs))
    if as_json:
        print(json.dumps(made, ensure_ascii=False))
    else:
        for line in made["text"].splitlines():
            _line(line)


def _input(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"“{text}” is not NAME=VALUE.", code="bad-input")
    return name.strip(), value.replace("\\n", "\n")


def _takes(described: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(described, ensure_ascii=False))
        return
    _line(f"{described['title']}: {described['what_for']}")
    for field in described["fields"]:
        says = ", ".join(field.get("units") or field.get("options") or [])
        optional = " (optional)" if field["optional"] else ""
        _line(f"  {field['name']:18} {field['title']}{optional}{f': {says}' if says else ''}")


def _line(text: str) -> None:
    # What was typed is text, never markup.
    out.print(text, markup=False, highlight=False)
