"""Errors a user can act on: what went wrong, where, what was got, what is allowed, how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VisionFTError(Exception):
    """Base of every error that bad input can raise; the command line prints it and exits 2."""


class RecipeError(VisionFTError):
    """A recipe, a `key=value` override or an option cannot be used."""


class DataError(VisionFTError):
    """An image, an annotation or a data folder cannot be used."""


class ModelError(VisionFTError):
    """A backbone, a head or a weights file cannot be used."""


class ResumeError(VisionFTError):
    """A run cannot be resumed: nothing was saved, or the data changed since."""


class TrainingError(VisionFTError):
    """Training cannot go on, for example because the loss is no longer a number."""


def did_you_mean(got: str, allowed: Iterable[str]) -> str:
    """Return ' Did you mean "x"?' for the nearest allowed name, or '' when none is near."""
    near = difflib.get_close_matches(got, list(allowed), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""
