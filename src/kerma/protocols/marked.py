"""YAML that remembers on which line everything stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from kerma.protocols.errors import Problem, ProtocolError

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Marked:
    """Plain data with the line of each key and item, by path."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing that encloses it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_marked(text: str, file: str) -> Marked:
    """Read YAML with plain types only.

    Raises
    ------
    ProtocolError
        The text is not YAML, or a key stands twice in one mapping.

    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise ProtocolError([Problem(file, 1, "", "The file is empty.", "a protocol")])
        walk = _Walk(loader, file)
        walk.marked.data = walk.plain(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ProtocolError(
            [Problem(file, line, "", f"This is not YAML: {error.problem or error}.", "YAML")]
        ) from None
    finally:
        loader.dispose()
    if walk.problems:
        raise ProtocolError(walk.problems)
    return walk.marked


class _Walk:
    """Turns nodes into plain data, keeping the lines."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self.loader = loader
        self.file = file
        self.marked = Marked(None)
        self.problems: list[Problem] = []

    def plain(self, node: yaml.Node, path: Path) -> Any:
        self.marked.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(child, (*path, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, child in node.value:
            name, line = str(self.loader.construct_object(key)), key.start_mark.line + 1
            if name in data:
                said = f"“{name}” stands twice here."
                self.problems.append(Problem(self.file, line, name, said, "each key once"))
                continue
            self.marked.lines[(*path, name)] = line
            data[name] = self.plain(child, (*path, name))
        return data
