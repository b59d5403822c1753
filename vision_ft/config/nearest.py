"""What the schema allows: its dotted keys, a sentence for each, and the key nearest to a mistyped one."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from vision_ft.config.schema.recipe import Recipe

OPEN_KEYS = ("model.args", "strategy.options")  # mappings whose keys belong to timm or to the strategy
_FIELD_HABITS = {  # names that other tools use
    "learning_rate": "optim.lr",
    "wd": "optim.weight_decay",
    "batch": "optim.batch_size",
    "bs": "optim.batch_size",
    "imgsz": "model.image_size",
    "arch": "model.backbone",
    "optimizer": "optim.name",
    "output_dir": "run.out",
}


@cache
def fields() -> dict[str, dict[str, Any]]:
    """Map every dotted key, sections included, to its JSON schema."""
    schema = Recipe.model_json_schema()
    found: dict[str, dict[str, Any]] = {}
    for section, content in schema["properties"].items():
        found[section] = content
        if "$ref" in content:
            definition = schema["$defs"][content["$ref"].rsplit("/", 1)[1]]
            found[section] = definition
            found |= {f"{section}.{name}": field for name, field in definition["properties"].items()}
    return found


def is_section(key: str) -> bool:
    """Whether the key holds further keys of the schema."""
    return "properties" in fields().get(key, {})


def is_known(key: str) -> bool:
    """Whether a dotted key can be set."""
    return key in fields() or key.startswith(tuple(f"{open_key}." for open_key in OPEN_KEYS))


def is_text_only(key: str) -> bool:
    """Whether a field takes free text and nothing else (null apart)."""
    kinds = [kind for kind in _kinds(key) if kind.get("type") != "null"]
    return bool(kinds) and all(kind.get("type") == "string" and not _choices(kind) for kind in kinds)


def takes_text(key: str) -> bool:
    """Whether free text is one of the things that a field takes."""
    return any(kind.get("type") == "string" and not _choices(kind) for kind in _kinds(key))


def takes_text_items(key: str) -> bool:
    """Whether a field takes free text, or a list of texts."""
    lists = [kind.get("items", {}) for kind in _kinds(key) if kind.get("type") == "array"]
    return takes_text(key) or any(item.get("type") == "string" for item in lists)


def suggest(key: str) -> str:
    """Return ' Did you mean "strategy.epochs"?' for an unknown key, or the list of keys when none is near."""
    leaf = key.rsplit(".", 1)[-1]
    known = [name for name in fields() if not is_section(name)]
    near = [name for name in known if name.rsplit(".", 1)[-1] == leaf]
    near = near or [name for name in [_FIELD_HABITS.get(leaf, "")] if name]
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=0.8)
    near = near or _near_leaf(leaf, known)
    near = near or ([] if "." in key else difflib.get_close_matches(key, list(fields()), n=1, cutoff=0.6))
    if near:
        return " Did you mean " + " or ".join(f'"{name}"' for name in near) + "?"
    section = key.rsplit(".", 1)[0]
    inside = [name for name in known if is_section(section) and name.startswith(f"{section}.")]
    return " Known keys: " + ", ".join(inside or [name for name in fields() if "." not in name]) + "."


def describe(key: str) -> str:
    """Say what a field allows, such as 'a whole number from 1 to 1000000, or null'."""
    if is_section(key):
        inside = [name.split(".", 1)[1] for name in fields() if name.startswith(f"{key}.")]
        return f"a mapping with the keys {', '.join(inside)}"
    words = [_describe_kind(kind) for kind in _kinds(key)]
    return ", or ".join(words) if words else "any plain value"


def meaning(key: str) -> str:
    """The field's own line of meaning, or ''."""
    return str(fields().get(key, {}).get("description", "")) if not is_section(key) else ""


def _kinds(key: str) -> list[dict[str, Any]]:
    field = fields().get(key, {})
    return list(field["anyOf"]) if "anyOf" in field else [field] if "type" in field or _choices(field) else []


def _choices(kind: dict[str, Any]) -> list[Any]:
    return list(kind["enum"]) if "enum" in kind else [kind["const"]] if "const" in kind else []


def _describe_kind(kind: dict[str, Any]) -> str:
    if _choices(kind):
        return " | ".join(str(choice) for choice in _choices(kind))
    if kind.get("type") == "array":
        return f"a list, each item {_describe_kind(kind.get('items', {}))}"
    names = {
        "integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false",
        "null": "null", "object": "a mapping",
    }  # fmt: skip
    return names.get(kind.get("type", ""), "any plain value") + _describe_range(kind)


def _describe_range(kind: dict[str, Any]) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return "".join(f" {word} {kind[bound]}" for bound, word in words.items() if bound in kind)


def _near_leaf(leaf: str, known: list[str]) -> list[str]:
    by_leaf: dict[str, list[str]] = {}
    for name in known:
        by_leaf.setdefault(name.rsplit(".", 1)[-1], []).append(name)
    near = difflib.get_close_matches(leaf, list(by_leaf), n=1, cutoff=0.7)
    return by_leaf[near[0]] if near else []
