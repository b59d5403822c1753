"""Turn the schema's complaints into sentences: where, key, got, allowed, fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vision_ft.config import nearest

_FIRST_KEY = {
    "data": "path",
    "model": "backbone",
    "strategy": "name",
    "optim": "name",
    "augment": "preset",
    "run": "out",
    "adapt": "source",
}


def explain(error: ValidationError, origin: Mapping[str, str], *, source: str) -> str:
    """Return one line a problem; the several complaints about one key (a union has one a member) become one.

    Args:
        error: what pydantic found.
        origin: dotted key -> where it was set.
        source: the recipe file, named where a key is missing; may be "".
    """
    by_key: dict[str, str] = {}
    for details in error.errors(include_url=False):
        key = _key_of(details)
        if key not in by_key:
            by_key[key] = f"{_place(key, origin, source)}{_sentence(key, details, origin)}"
    return "\n".join(by_key.values())


def _sentence(key: str, details: ErrorDetails, origin: Mapping[str, str]) -> str:
    field = key.split("[", 1)[0]
    value = details["input"]
    if details["type"] == "extra_forbidden":
        return f'unknown key "{key}".{nearest.suggest(key)}'
    if details["type"] == "missing":
        return 'data.path is missing: say where the images are, such as "data.path=photos/".'
    if details["type"] == "value_error":
        return f"{key}: {details['ctx']['error']}."
    sentence = f"{key}: got {_show(value)}, allowed: {nearest.describe(field)}.{_fix(field, value, origin)}"
    about = nearest.meaning(field)
    return f"{sentence} {about}" if about else sentence


def _fix(key: str, value: Any, origin: Mapping[str, str]) -> str:
    is_word = isinstance(value, bool | int | float) and nearest.takes_text_items(key)
    if is_word and not origin.get(key, "").startswith("override"):
        return f" YAML reads this word as {_kind(value)}: quote it if text is meant."
    if nearest.is_section(key) and isinstance(value, str) and key in _FIRST_KEY:
        return f" Write {key}.{_FIRST_KEY[key]}: {value}" + "."
    return ""


def _key_of(details: ErrorDetails) -> str:
    """The dotted key of a complaint; pydantic's location also names the members of a union, which are left out."""
    if details["type"] == "missing":
        return "data.path"
    key = ""
    for part in details["loc"]:
        dotted = f"{key}.{part}" if key else str(part)
        if isinstance(part, int):
            key = f"{key}[{part}]"
        elif nearest.is_known(dotted) or details["type"] == "extra_forbidden":
            key = dotted
    return key


def _place(key: str, origin: Mapping[str, str], source: str) -> str:
    """The place of the key, or of the nearest mapping around it."""
    name = key
    while name:
        if name in origin:
            return f"{origin[name]}: "
        name = name.rsplit("[" if name.endswith("]") else ".", 1)[0] if "." in name or "[" in name else ""
    return f"{source}: " if source else ""


def _show(value: Any) -> str:
    text = repr(value)
    short = text if len(text) <= 80 else text[:77] + "..."
    return "null" if value is None else f"{short.lower() if isinstance(value, bool) else short} ({_kind(value)})"


def _kind(value: Any) -> str:
    names = {
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a mapping",
    }
    return names.get(type(value), type(value).__name__)
