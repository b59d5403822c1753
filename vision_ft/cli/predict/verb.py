"""`vision-ft predict`: its options; what they lead to is in `run`, `dense` and `feed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vision_ft.cli.plugins import Plugins, use


def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run folder.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Image, folder, video, or address of a stream.")],
    out: Annotated[
        Path | None, typer.Option(help="CSV: predictions.csv. Of masks the folder: predictions; of a feed: feed.")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="Feed: file of regions, such as parking spaces.")] = None,
    every: Annotated[str | None, typer.Option(help="Feed: time between frames: 500ms, 1s, 2m.")] = None,
    smooth: Annotated[int | None, typer.Option(help="Feed: frames to smooth states over; 3, or 1 for none.")] = None,
    tile: Annotated[str | None, typer.Option(help="Masks, boxes: tiles of large images: auto, off, pixels.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Boxes: lowest score; else as chosen on val.")] = None,
    annotate: Annotated[bool, typer.Option("--annotate", help="Also draw a feed's video, masks, boxes.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps.")] = "cpu",
    plugins: Plugins = None,
) -> None:
    """Write the model's predictions for images: labels and boxes into a CSV, masks and feeds into a folder.

    Example: vision-ft predict runs/birds new_photos/ --out predictions.csv

    Example: vision-ft predict runs/lot camera.mp4 --regions spaces.json --every 1s --annotate
    """
    from vision_ft.cli.predict import run as command

    use(plugins)
    options = command.FeedOptions(regions=regions, every=every, smooth=smooth, annotate=annotate)
    if command.run(run, source, command.Asked(options, tile, threshold, out, device)):
        raise typer.Exit(1)
