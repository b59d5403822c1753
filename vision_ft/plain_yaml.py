"""YAML of plain values only: no tags, no anchors and no doubled keys, seen before anything is made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import yaml

PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))  # numbers and the like besides


class NotPlainError(Exception):
    """A line that holds more than plain values; the caller names the file."""


def check_plain(node: yaml.Node, *, tags: Collection[str], what: str, instead: str) -> Mapping[str, int]:
    """Walk a tree of nodes, so that no tag ever runs and no alias grows, and return dotted key -> line, from 1.

    Args:
        node: from `yaml.Loader.get_single_node`.
        tags: what the loader resolves plain values to.
        what: the document, as in "a recipe".
        instead: what to do in place of anchors.

    Raises:
        NotPlainError: a tag, an anchor, or a doubled key (both lines are named), or one that is not text.
    """
    walk = _Walk(tags, what, instead)
    walk.visit(node, "")
    return walk.lines


class _Walk:
    def __init__(self, tags: Collection[str], what: str, instead: str) -> None:
        self.tags, self.what, self.instead = tags, what, instead
        self.lines: dict[str, int] = {}
        self._seen: set[int] = set()

    def visit(self, node: yaml.Node, key: str) -> None:
        """Check a node and what it holds; `key` is its place, as in data.path."""
        line = node.start_mark.line + 1
        if node.tag not in self.tags:
            raise NotPlainError(f"line {line}: tag {node.tag!r:.80} is refused; {self.what} holds plain values only.")
        if id(node) in self._seen:
            raise NotPlainError(
                f"line {line}: anchors (&name) and aliases (*name) are refused; {self.instead}, or quote a text that "
                "starts with & or *."
            )
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.visit(item, f"{key}[{index}]")
        if isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, key)

    def _visit_mapping(self, node: yaml.MappingNode, prefix: str) -> None:
        first_line: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            self.visit(key_node, "")
            if key_node.tag != "tag:yaml.org,2002:str":
                got = key_node.value if isinstance(key_node, yaml.ScalarNode) else key_node.id
                raise NotPlainError(f"line {line}: key {got!r:.60} is not text: quote it if it is a name.")
            name = key_node.value
            if name in first_line:
                raise NotPlainError(
                    f"line {line}: key {name!r:.60} was already set on line {first_line[name]}. Keep one of the two."
                )
            first_line[name] = line
            dotted = f"{prefix}.{name}" if prefix else name
            self.lines[dotted] = line
            self.visit(value_node, dotted)
