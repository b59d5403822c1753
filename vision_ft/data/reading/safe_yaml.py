"""Parse YAML that strangers wrote: values stay text, and nothing in it runs or grows."""

from __future__ import annotations

import re
from typing import Any

import yaml

from vision_ft.errors import DataError
from vision_ft.plain_yaml import PLAIN_TAGS, NotPlainError, check_plain

MAX_BYTES = 2**20  # ten thousand class names are a fifth of it
_NULL = "tag:yaml.org,2002:null"
_TAGS = PLAIN_TAGS | {_NULL}


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
        check_plain(node, tags=_TAGS, what="data.yaml", instead="write the values where they belong")
        return loader.construct_document(node)
    except NotPlainError as err:
        raise DataError(f"{source}, {err}") from err
    except (ValueError, yaml.YAMLError) as err:
        raise DataError(f"{source}: not valid YAML ({' '.join(str(err).split())}).") from err
    except RecursionError as err:
        raise DataError(f"{source}: not valid YAML (nested too deeply).") from err
