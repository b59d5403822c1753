"""Names in a recipe, checked against the registries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.plugins.registry import Registry

T = TypeVar("T")


def look_up(registry: Mapping[str, T], name: str, *, key: str) -> T:
    """Return the entry of a registry.

    Raises:
        RecipeError: no entry has this name; the nearest and all names are shown.
    """
    if name not in registry:
        if isinstance(registry, Registry):
            raise RecipeError(f"{key}: {registry.unknown(name)}")
        raise RecipeError(f'{key}: "{name}" is unknown.{did_you_mean(name, registry)} Allowed: {", ".join(registry)}.')
    return registry[name]
