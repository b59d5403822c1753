"""Arguments that several verbs take."""

from __future__ import annotations

from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Recipe values, for example optim.lr=3e-4.")
]
Data = Annotated[
    str, typer.Argument(metavar="DATA", help="Folder of class folders, of boxes (COCO, VOC, YOLO) or masks; or a CSV.")
]
Out = Annotated[str | None, typer.Option(help="Run folder; by default a new one below runs/.")]
Seed = Annotated[int | None, typer.Option(help="All randomness follows from it.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
