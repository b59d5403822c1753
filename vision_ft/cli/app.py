"""The command line: its verbs, one file each. Heavy imports happen inside the verbs, so --help is quick."""

from __future__ import annotations

import os
import sys

import typer

from vision_ft.cli.data.audit import audit
from vision_ft.cli.data.augment import augment
from vision_ft.cli.data.convert import convert
from vision_ft.cli.demo import demo
from vision_ft.cli.predict.verb import predict
from vision_ft.cli.recipes import recipes
from vision_ft.cli.reports.compare import compare
from vision_ft.cli.reports.report import report
from vision_ft.cli.training.adapt import adapt
from vision_ft.cli.training.train import train
from vision_ft.errors import VisionFTError

app = typer.Typer(
    name="vision-ft",
    help="Fine-tune pretrained vision backbones on your own images, and see why the model errs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (train, adapt, predict, report, compare, audit, convert, augment, demo):
    app.command()(verb)
app.add_typer(recipes, name="recipes")


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
