"""Options of a registered function: its keyword-only parameters, asked for by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from vision_ft.errors import VisionFTError, did_you_mean


def options_of(function: Callable[..., Any], *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return the options that a function takes, with their defaults.

    Args:
        function: of a registry; what it must be given stands before the `*` of its parameters.
        without: keyword-only parameters that are no options, since the caller gives them.
    """
    parameters = inspect.signature(function).parameters.values()
    keywords = {one.name: one.default for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    return {name: default for name, default in keywords.items() if name not in set(without)}


def refuse_others(
    given: Iterable[str], allowed: Iterable[str], *, key: str, owner: str, error: type[VisionFTError]
) -> None:
    """Refuse options that are not taken.

    Args:
        given: names of the options.
        allowed: names of those that are taken.
        key: where they stand in the recipe, such as "strategy.options".
        owner: what does not take one.
        error: to raise.

    Raises:
        VisionFTError: of the class `error`; it names the nearest and all that are allowed.
    """
    allowed = list(allowed)
    for name in given:
        if name not in allowed:
            raise error(
                f"{key}.{name}: {owner} does not take it.{did_you_mean(name, allowed)} "
                f"Allowed: {', '.join(allowed) or 'none'}."
            )
