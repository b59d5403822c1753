"""`vision-ft augment`: a grid of what the model would see in training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vision_ft.cli.arguments import Data, Overrides
from vision_ft.cli.choices import PRESETS, listed
from vision_ft.cli.console import console
from vision_ft.cli.plugins import Plugins, use
from vision_ft.cli.training.train import show_findings


def augment(
    data: Data,
    overrides: Overrides = None,
    preset: Annotated[str, typer.Option(help=f"{listed(PRESETS)}.")] = "medium",
    size: Annotated[int, typer.Option(help="Side of the model's input, in pixels.")] = 224,
    pictures: Annotated[int, typer.Option(min=1, max=50, help="Images to show.")] = 6,
    out: Annotated[Path, typer.Option(help="Image to write.")] = Path("augmentation.jpg"),
    plugins: Plugins = None,
) -> None:
    """Draw a grid of what the model really sees in training.

    Example: vision-ft augment photos/ --preset camera
    """
    use(plugins)
    run(data, overrides=overrides or (), preset=preset, size=size, pictures=pictures, out=out)


def run(data: str, *, overrides: Sequence[str], preset: str, size: int, pictures: int, out: Path) -> None:
    """Draw the grid of a preset on images spread over the whole data set."""
    from vision_ft.api.train import resolve_recipe
    from vision_ft.augment import presets
    from vision_ft.data.audit.audit import apply_policy, scan
    from vision_ft.data.loading.grid import draw_augmentation_grid
    from vision_ft.files import atomic_path
    from vision_ft.types import Preprocessing
    from vision_ft.wiring.data import read_table
    from vision_ft.wiring.names import look_up
    from vision_ft.wiring.targets import build_targets

    recipe = resolve_recipe(data, overrides, {})
    look_up(presets.PRESETS, preset, key="--preset")
    table = read_table(recipe.data, task=recipe.task)
    chosen = list(range(0, len(table), max(len(table) // pictures, 1)))[:pictures]
    table, found = scan(table.take(chosen), max_pixels=recipe.data.max_pixels)
    table = apply_policy(table, found, "drop")  # what training would leave out is not drawn, and is said
    show_findings([finding for finding in found if finding.level == "error"])
    rows = list(range(len(table)))
    augment = presets.build_augment(preset, size=(size, size), interpolation="bicubic")
    channels = recipe.model.in_chans
    plain = Preprocessing((channels, size, size), 1.0, "squash", "bicubic", (0.5,) * channels, (0.5,) * channels)
    truth = build_targets(table, plain)  # masks and boxes are drawn where the preset moves them
    grid = draw_augmentation_grid(table, rows, augment=augment, channels=channels, truth=truth)
    with atomic_path(out) as temporary:
        grid.save(temporary, format="PNG" if out.suffix.lower() == ".png" else "JPEG", quality=90)
    console.print(f"original on the left, preset {preset} beside it: {out}", highlight=False, markup=False)
