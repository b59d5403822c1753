"""The command line: verbs and their few options. Heavy imports happen inside the verbs, so --help is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from vision_ft.errors import VisionFTError

app = typer.Typer(
    name="vision-ft",
    help="Fine-tune pretrained vision backbones on your own pictures, and see why the model errs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
recipes_app = typer.Typer(no_args_is_help=True, help="List the shipped recipes, or copy one to edit.")
app.add_typer(recipes_app, name="recipes")

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Recipe values, for example optim.lr=3e-4.")
]
Data = Annotated[
    str, typer.Argument(metavar="DATA", help="Folder of class folders, of boxes (COCO, VOC, YOLO) or masks; or a CSV.")
]


@app.command()
def train(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA|RECIPE", help="Pictures (folder or CSV), a recipe (.yaml), or a run to resume."),
    ],
    overrides: Overrides = None,
    backbone: Annotated[str | None, typer.Option(help="Any timm name, such as resnet50.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="true (hub), false (random), or a weights file.")] = None,
    strategy: Annotated[str | None, typer.Option(help="feature-extraction, gradual-unfreeze, surgical, full.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pictures.")] = None,
    task: Annotated[str | None, typer.Option(help="multilabel, multitask, segmentation or detection.")] = None,
    head: Annotated[str | None, typer.Option(help="Head, such as linear, fpn, unet, fcos or faster-rcnn.")] = None,
    image_size: Annotated[str | None, typer.Option(help="Side of the input in pixels, or HEIGHTxWIDTH.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures a batch.")] = None,
    out: Annotated[str | None, typer.Option(help="Run folder; by default a new one below runs/.")] = None,
    seed: Annotated[int | None, typer.Option(help="All randomness follows from it.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DATA or --out.")] = False,
) -> None:
    """Fine-tune a model and write its report.

    Example: vision-ft train photos/ --backbone resnet50 --strategy gradual-unfreeze
    """
    from vision_ft.cli.training import train as command

    options: dict[str, Any] = {
        "model.backbone": backbone,
        "model.pretrained": pretrained,
        "strategy.name": strategy,
        "strategy.epochs": epochs,
        "task": task,
        "model.head": head,
        "model.image_size": None if image_size is None else command.parse_size(image_size),
        "optim.batch_size": batch_size,
        "run.out": out,
        "run.seed": seed,
        "run.device": device,
    }
    command.run(data, overrides=overrides or (), options=options, resume=resume)


@app.command()
def adapt(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run to start from (only read), or one to resume.")],
    new: Annotated[
        str | None, typer.Argument(metavar="[NEW|RECIPE]", help="Pictures of the new camera, or a recipe (.yaml).")
    ] = None,
    overrides: Overrides = None,
    keep: Annotated[str | None, typer.Option(help="Pictures of the old cameras; by default those of RUN.")] = None,
    labels: Annotated[int | None, typer.Option(help="Use so many labelled pictures of NEW; by default all.")] = None,
    max_forgetting: Annotated[
        float | None, typer.Option(help="Largest loss on the old cameras, as a share (0.01 is one point).")
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="Candidate to make; repeat for several: batchnorm, head, gradual-unfreeze, surgical, full; "
            "on request: entropy, pseudo-labels, plain-full."
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Group from the path, such as '{camera}/{label}/{sequence}_*'.")
    ] = None,
    data_root: Annotated[str | None, typer.Option(help="Where the pictures that RUN lists lie now.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the new pictures while fine-tuning.")] = None,
    out: Annotated[str | None, typer.Option(help="Run folder; by default a new one below runs/.")] = None,
    seed: Annotated[int | None, typer.Option(help="All randomness follows from it.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the adaptation in RUN or --out.")] = False,
) -> None:
    """Retrain a run on a new camera and show what it forgot; exits 3 when no model passes the gate.

    Example: vision-ft adapt runs/lot-a new_camera/ --labels 50
    """
    from vision_ft.cli.training import adapt as command

    options: dict[str, Any] = {
        "adapt.keep": keep,
        "adapt.labels": labels,
        "adapt.max_forgetting": max_forgetting,
        "adapt.candidates": strategy,
        "adapt.data_root": data_root,
        "data.group_pattern": group,
        "strategy.epochs": epochs,
        "run.out": out,
        "run.seed": seed,
        "run.device": device,
    }
    code = command.run(run, new, overrides=overrides or (), options=options, resume=resume)
    if code:
        raise typer.Exit(code)


@app.command()
def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run folder.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Picture, folder, video, or address of a stream.")],
    out: Annotated[
        Path | None, typer.Option(help="CSV: predictions.csv. Of masks the folder: predictions; of a feed: feed.")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="Feed: file of regions, such as parking spaces.")] = None,
    every: Annotated[str | None, typer.Option(help="Feed: time between frames: 500ms, 1s, 2m.")] = None,
    smooth: Annotated[int | None, typer.Option(help="Feed: frames to smooth states over; 3, or 1 for none.")] = None,
    tile: Annotated[str | None, typer.Option(help="Masks, boxes: tiles of large pictures: auto, off, pixels.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Boxes: lowest score; else as chosen on val.")] = None,
    annotate: Annotated[bool, typer.Option("--annotate", help="Also draw a feed's video, masks, boxes.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps.")] = "cpu",
) -> None:
    """Write the model's answers for pictures: labels and boxes into a CSV, masks and feeds into a folder.

    Example: vision-ft predict runs/birds new_photos/ --out predictions.csv

    Example: vision-ft predict runs/lot camera.mp4 --regions spaces.json --every 1s --annotate
    """
    from vision_ft.cli.predict import run as command

    options = command.FeedOptions(regions=regions, every=every, smooth=smooth, annotate=annotate)
    if command.run(run, source, command.Asked(options, tile, threshold, out, device)):
        raise typer.Exit(1)


@app.command()
def report(
    source: Annotated[
        Path, typer.Argument(metavar="RUN|PREDICTIONS", help="Run folder, or predictions (.csv, .parquet).")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for a report made from a predictions file.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where the pictures are, if they moved.")] = None,
) -> None:
    """Make report.html again, also from another tool's predictions (path,target,predicted or scores).

    Example: vision-ft report runs/birds
    """
    from vision_ft.cli.reports import report as command

    command.run(source, out=out, data_root=data_root)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Two or more run folders; the first is the base.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("compare.html"),
    data_root: Annotated[Path | None, typer.Option(help="Where the pictures are, if they moved.")] = None,
) -> None:
    """Say which run is better on the same test pictures, how sure that is, and what each cost.

    Example: vision-ft compare runs/birds-full runs/birds-gradual-unfreeze
    """
    from vision_ft.cli.reports import compare as command

    command.run(runs, out=out, data_root=data_root)


@app.command()
def audit(
    data: Data,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for findings.csv.")] = None,
) -> None:
    """Find broken, duplicate, mislabelled and leaking pictures; exits 1 when there is an error among them.

    Example: vision-ft audit photos/
    """
    from vision_ft.cli.data import audit as command

    if not command.run(data, overrides=overrides or (), out=out):
        raise typer.Exit(1)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Data set in any format that is read.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New or empty folder.")],
    to: Annotated[str, typer.Option(help="coco, voc, yolo, masks, csv or imagefolder.")],
    overrides: Overrides = None,
    link: Annotated[bool, typer.Option("--link/--copy", help="Link to the pictures instead of copying them.")] = False,
    source_format: Annotated[str, typer.Option("--from", help="Format of SOURCE; auto looks at it.")] = "auto",
) -> None:
    """Write a data set in another format, and say what that cannot hold.

    Example: vision-ft convert blood_cells/ blood_yolo/ --to yolo data.on_bad=drop
    """
    from vision_ft.cli.data import convert as command

    settings = [f"data.format={source_format}", *(overrides or ())]
    command.run(str(source), out, to=to, link=link, overrides=settings)


@app.command()
def augment(
    data: Data,
    overrides: Overrides = None,
    preset: Annotated[str, typer.Option(help="none, light, medium, heavy, fine-grained or camera.")] = "medium",
    size: Annotated[int, typer.Option(help="Side of the model's input, in pixels.")] = 224,
    pictures: Annotated[int, typer.Option(min=1, max=50, help="Pictures to show.")] = 6,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("augmentation.jpg"),
) -> None:
    """Draw a grid of what the model really sees in training.

    Example: vision-ft augment photos/ --preset camera
    """
    from vision_ft.cli.data import augment as command

    command.run(data, overrides=overrides or (), preset=preset, size=size, pictures=pictures, out=out)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for pictures and runs.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(help="Seed of the drawing and the training.")] = 0,
) -> None:
    """Draw two cameras of a parking lot, train on one, adapt to the other, and make both reports; offline.

    Example: vision-ft demo
    """
    from vision_ft.cli import demo as command

    command.run(out, seed=seed)


@recipes_app.command("list")
def list_recipes() -> None:
    """List the recipes that ship with the package.

    Example: vision-ft recipes list
    """
    from vision_ft.cli import recipes as command

    command.show()


@recipes_app.command("copy")
def copy_recipe(
    name: Annotated[str, typer.Argument(help="Name from `vision-ft recipes list`.")],
    target: Annotated[Path | None, typer.Argument(help="File or folder; by default the current folder.")] = None,
) -> None:
    """Copy a recipe here, to edit and train.

    Example: vision-ft recipes copy birds/full
    """
    from vision_ft.cli import recipes as command

    command.copy(name, target)


def main() -> None:
    """Run the command line: errors a user can act on are printed without a traceback and exit 2."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    try:
        app()
    except VisionFTError as err:
        typer.secho(f"error: {err}", fg="red", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.secho("interrupted; --resume with the same --out goes on", err=True)
        sys.exit(130)
