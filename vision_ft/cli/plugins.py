"""The option --plugins, the same for every verb that meets names of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vision_ft.plugins.load import load_plugins

Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugins",
        metavar="FILE",
        help="Python file with heads, losses, presets, ... of your own; it is run. Repeat it for several.",
    ),
]


def use(plugins: list[Path] | None) -> None:
    """Run the files that a person gave, and no others: a recipe or a run folder holds names alone.

    Raises:
        RecipeError: there is no such file, or it raises an error.
    """
    load_plugins(plugins or ())
