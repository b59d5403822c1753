"""Run the files that --plugins names; nothing else in the package runs a file."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.plugins.origin import loading, origin_of_file, shown

PREFIX = "vision_ft_plugin_"
_modules: dict[Path, ModuleType] = {}  # of the files that were run in this process


def load_plugins(files: Iterable[str | Path]) -> None:
    """Run Python files, each once a process, so that what they register can be named.

    A file may import others that lie beside it.

    Raises:
        RecipeError: there is no such file, or it raises an error; its line is named.
    """
    for file in files:
        path = _check(Path(file))
        if path not in _modules:
            _run(path)


def loaded_files() -> list[str]:
    """Return the files that were run so far, for processes that start without them."""
    return [str(path) for path in _modules]


def _check(file: Path) -> Path:
    if file.is_file() and file.suffix == ".py":
        return file.resolve()
    if file.is_file() or file.is_dir():
        raise RecipeError(f"--plugins {file}: not a Python file. Give a file that ends in .py.")
    beside = sorted(one.name for one in file.absolute().parent.glob("*.py"))
    raise RecipeError(f"--plugins {file}: no such file.{did_you_mean(file.name, beside)}")


def _run(path: Path) -> None:
    content = path.read_bytes()  # hashed and run, so that the hash is of what ran
    module = ModuleType(f"{PREFIX}{path.stem}_{len(_modules)}")
    module.__file__ = str(path)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # at the end: a neighbour named like a module of Python hides nothing
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    _modules[path] = module
    try:
        with loading(origin_of_file(path, content)):
            exec(compile(content, str(path), "exec", dont_inherit=True), vars(module))
    except Exception as err:
        del sys.modules[module.__name__], _modules[path]
        raise RecipeError(f"--plugins {_place(path, err)}: {type(err).__name__}: {err}") from err


def _place(path: Path, err: Exception) -> str:
    """Name the file and the last of its lines that was run."""
    lines = [frame.lineno for frame in traceback.extract_tb(err.__traceback__) if frame.filename == str(path)]
    line = err.lineno if isinstance(err, SyntaxError) else next(reversed(lines), None)
    return shown(path) if line is None else f"{shown(path)} line {line}"
