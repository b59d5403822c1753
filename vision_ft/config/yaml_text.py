"""Read and write recipe YAML: no tags, no anchors, no duplicate keys, and the line of every key is known.

Dates stay text, `1e-3` is a number (YAML 1.1 reads text), and `010` or `1:30` are text, never octal or base 60.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from vision_ft.errors import RecipeError
from vision_ft.plain_yaml import PLAIN_TAGS, NotPlainError, check_plain

MAX_BYTES = 1_000_000  # a recipe is a page; a file of this size is something else, such as data or an attack

_RESOLVERS: tuple[tuple[str, str, str], ...] = (  # tag, pattern, first characters
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    (
        "tag:yaml.org,2002:bool",
        r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        "yYnNtTfFoO",
    ),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
)
_TAGS = PLAIN_TAGS | {tag for tag, _, _ in _RESOLVERS}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to hold them


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


for _tag, _pattern, _first in _RESOLVERS:
    _characters = ["" if character == "\0" else character for character in _first]
    for _class in (_Loader, _Dumper):  # the writer must quote whatever the reader would not take as text
        _class.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), _characters)


@dataclass(frozen=True)
class Document:
    """A YAML document with the place of its keys.

    Attributes:
        value: what the document holds.
        lines: dotted key -> line number, from 1.
    """

    value: Any
    lines: Mapping[str, int]


def parse(text: str, *, where: str) -> Document:
    """Read one YAML document that holds plain values only.

    Raises:
        RecipeError: bad syntax, a tag, an anchor, a duplicate key (both lines are named) or a key that is not text.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(None, {})
        instead = "use 'base: other.yaml' to share settings"
        lines = check_plain(node, tags=_TAGS, what="a recipe", instead=instead)
        return Document(loader.construct_document(node), lines)
    except NotPlainError as err:
        raise RecipeError(f"{where}, {err}") from err
    except yaml.YAMLError as err:
        raise RecipeError(f"{where}: not valid YAML. {_one_line(err)}") from err
    except RecursionError as err:
        raise RecipeError(f"{where}: nested too deeply for a recipe.") from err
    except ValueError as err:  # such as an integer of more than 4300 digits
        raise RecipeError(f"{where}: a value cannot be read: {err}.") from err


def dump(value: Any) -> str:
    """Write plain values as YAML that `parse` reads back equal."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _one_line(err: yaml.YAMLError) -> str:
    """PyYAML's message without its drawing of the source."""
    mark = getattr(err, "problem_mark", None)
    place = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = getattr(err, "problem", None) or str(err).splitlines()[0]
    return f"{place}{problem}."
