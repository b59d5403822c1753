"""A registry: the entries of one kind by the name that a recipe gives them, the package's own and those of others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Generic, TypeVar, cast
from uuid import uuid4

from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.plugins.installed import load_installed
from vision_ft.plugins.origin import Origin, find_origin

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
TAKEN = ("auto", "null", "none", "true", "false", "yes", "no", "on", "off")  # YAML or the recipe read them otherwise


@dataclass(frozen=True)
class _Entry(Generic[T]):
    """An entry, or "module:attribute" where it will be found.

    Attributes:
        value: what the registry gives.
        origin: None of the package's own.
        version: changes with the code of an added entry, as far as that can be known.
    """

    value: T | str
    origin: Origin | None = None
    version: str = ""


class Registry(Mapping[str, T]):
    """A mapping from names to entries that anyone can add to.

    Args:
        kind: one word for an entry, such as "head".
        key: what names an entry in a recipe, such as "model.head"; "" where nothing does.
        built_in: the package's own entries; "module:attribute" is imported when it is first asked for.
    """

    def __init__(self, kind: str, *, key: str = "", built_in: Mapping[str, T | str]) -> None:
        self.kind, self.key = kind, key
        self._entries: dict[str, _Entry[T]] = {}
        for name, value in built_in.items():
            self._add(name, _Entry(value))

    def register(self, name: str, value: T) -> None:
        """Add an entry, and keep where the code that does so came from; a notebook may replace what it added.

        Raises:
            RecipeError: the name is taken by another entry, or is none.
        """
        _check_name(self.kind, name)
        origin = find_origin()
        self._add(name, _Entry(value, origin, origin.sha256 or uuid4().hex))

    def _add(self, name: str, entry: _Entry[T]) -> None:
        held = self._entries.get(name)
        if held is not None and not _is_same(held, entry):
            by = "one of the package's own" if held.origin is None else f"registered by {held.origin}"
            raise RecipeError(f'{self.kind} "{name}" is {by} already. Choose another name.')
        self._entries[name] = entry

    def remove(self, name: str) -> None:
        """Take out an entry that was added.

        Raises:
            RecipeError: it is one of the package's own, or there is none.
        """
        if name not in self.added:
            raise RecipeError(f'{self.kind} "{name}" was not added, so it cannot be removed. Added: {self.added}.')
        del self._entries[name]

    @property
    def added(self) -> list[str]:
        """Names of the entries that are not the package's own."""
        return [name for name, entry in self._entries.items() if entry.origin is not None]

    def record(self, name: str) -> dict[str, str] | None:
        """Return what a run keeps of an entry that it used: kind, name, file or module, hash; None of our own."""
        entry = self._entries.get(name)
        if entry is None or entry.origin is None:
            return None
        return {"kind": self.kind, "name": name, **entry.origin.record()}

    def fingerprint(self, name: str) -> str:
        """Return a text that changes with the file that an added entry came from; the bare name of our own."""
        version = self._entries[name].version
        return f"{name}@{version}" if version else name

    def unknown(self, name: str) -> str:
        """Return a sentence about a name that is not here: the nearest, all that are, and how to bring one's own."""
        own = f"A {self.kind} of your own: register it first, or give its file with --plugins."
        return f'"{name}" is unknown.{did_you_mean(name, self)} Allowed: {", ".join(self)}. {own}'

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise KeyError(name)
        entry = self._entries[name]
        if isinstance(entry.value, str):
            module, _, attribute = entry.value.partition(":")
            entry = replace(entry, value=getattr(import_module(module), attribute))
            self._entries[name] = entry
        return cast(T, entry.value)

    def __contains__(self, name: object) -> bool:
        if name not in self._entries:
            load_installed()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        load_installed()
        return iter(list(self._entries))

    def __len__(self) -> int:
        load_installed()
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}, {list(self._entries)})"


def _check_name(kind: str, name: str) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or name.lower() in TAKEN:
        raise RecipeError(
            f"{kind}: the name {name!r} cannot be used; start with a letter and use letters, digits, '-', '_' and '.', "
            f"at most 64, none of {', '.join(TAKEN)}."
        )


def _is_same(held: _Entry[Any], new: _Entry[Any]) -> bool:
    """Whether an entry is registered again: an equal one, or by the cell of a notebook that is run once more."""
    if held.origin is None or new.origin is None:
        return held.value is new.value
    return held.value == new.value or (held.origin == new.origin and new.origin.is_session)
