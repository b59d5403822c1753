"""The option --plugins, the same for every verb that names entries of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugins",
        metavar="FILE",
        help="Python file with heads, losses, presets, ... of your own; it is run. Repeat it for several.",
    ),
]
