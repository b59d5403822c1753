"""Parse YAML that strangers wrote: values stay text, and nothing in it runs or grows."""

from __future__ import annotations

import re
from typing import Any

import yaml

from vision_ft.errors import DataError

MAX_BYTES = 2**20  # ten thousand class names are a fifth of it
_NULL = "tag:yaml.org,2002:null"
_PLAIN_TAGS = {_NULL, *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))}


class _Loader(yaml.SafeLoader):
    # without the resolvers of YAML 1.1, to which the classes `no` and `010` are False and 8
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to hold them


_Loader.add_implicit_resolver(_NULL, re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def parse_yaml(data: bytes, source: str) -> Any:
    """Read one YAML document into dicts, lists, texts and None; a number or `yes` is the text that was written.

    Raises:
        DataError: bad syntax, a tag, an alias, a doubled key, or larger than any class list.
    """
    if len(data) > MAX_BYTES:
        raise DataError(f"{source}: larger than {MAX_BYTES >> 20} MiB, which no data.yaml is.")
    try:
        loader = _Loader(data)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, set(), source)
        return loader.construct_document(node)
    except (ValueError, yaml.YAMLError) as err:
        raise DataError(f"{source}: not valid YAML ({' '.join(str(err).split())}).") from err
    except RecursionError as err:
        raise DataError(f"{source}: not valid YAML (nested too deeply).") from err


def _check(node: yaml.Node, seen: set[int], source: str) -> None:
    """Walk the tree before anything is made of it: lists of aliases of lists of aliases hold more than any memory."""
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN_TAGS:
        raise DataError(f"{source}, line {line}: tag {node.tag!r:.80} is refused; data.yaml holds plain values only.")
    if id(node) in seen:
        raise DataError(
            f"{source}, line {line}: anchors (&name) and aliases (*name) are refused; write the values where they "
            "belong, or quote a text that starts with & or *."
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        _refuse_doubled(node, source)
    if isinstance(node, yaml.CollectionNode):
        for item in node.value:
            for one in item if isinstance(item, tuple) else (item,):
                _check(one, seen, source)


def _refuse_doubled(node: yaml.MappingNode, source: str) -> None:
    first: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in first:
            raise DataError(
                f"{source}, line {line}: key {key.value!r:.60} was already set on line {first[key.value]}. "
                "Keep one of the two."
            )
        first[key.value] = line
