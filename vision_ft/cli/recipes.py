"""`vision-ft recipes`: list the recipes that ship with the package, and copy one to edit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from vision_ft.cli.console import console
from vision_ft.errors import RecipeError, did_you_mean

recipes = typer.Typer(no_args_is_help=True, help="List the shipped recipes, or copy one to edit.")


@recipes.command("list")
def list_recipes() -> None:
    """List the recipes that ship with the package.

    Example: vision-ft recipes list
    """
    show()


@recipes.command("copy")
def copy_recipe(
    name: Annotated[str, typer.Argument(help="Name from `vision-ft recipes list`.")],
    target: Annotated[Path | None, typer.Argument(help="File or folder; by default the current folder.")] = None,
) -> None:
    """Copy a recipe here, to edit and train.

    Example: vision-ft recipes copy birds/full
    """
    copy(name, target)


def recipes_root() -> Path:
    """Return the folder of the shipped recipes: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """Return name -> file, for example "birds/full"."""
    root = recipes_root()
    return {file.relative_to(root).with_suffix("").as_posix(): file for file in sorted(root.rglob("*.yaml"))}


def show() -> None:
    """Print each recipe with the first line of its header."""
    for name, file in shipped_recipes().items():
        purpose = file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        console.print(f"  {name:28}{purpose}", highlight=False, markup=False)


def copy(name: str, target: Path | None) -> Path:
    """Copy a recipe to the current folder, or to `target`.

    Raises:
        RecipeError: no recipe has this name, or the target exists.
    """
    shipped = shipped_recipes()
    key = name.removesuffix(".yaml")
    if key not in shipped:
        raise RecipeError(f'recipe "{name}" is unknown.{did_you_mean(key, shipped)} Allowed: {", ".join(shipped)}.')
    file = shipped[key]
    out = target if target is not None else Path(file.name)
    if out.is_dir():
        out = out / file.name
    if out.exists():
        raise RecipeError(f"{out}: exists already. Give another name: vision-ft recipes copy {key} NEW.yaml")
    shutil.copyfile(file, out)
    command = f"vision-ft adapt RUN {out}" if is_adaptation(out) else f"vision-ft train {out}"
    console.print(f"{out}: edit data.path, then: {command}", highlight=False, markup=False)
    return out


def is_adaptation(recipe: Path) -> bool:
    """Whether a recipe is for a new camera: it has a section `adapt`, and is given to `vision-ft adapt RUN`."""
    return any(line.startswith("adapt:") for line in recipe.read_text(encoding="utf-8").splitlines())
