"""The names that the help lists, read from the registries' source: importing those would load torch for --help."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

from vision_ft.types import Task

PACKAGE = Path(__file__).resolve().parents[1]


def names_in(file: str, variable: str) -> tuple[str, ...]:
    """Return the keys of the dict, or the texts of the tuple, that a module assigns to a variable.

    Args:
        file: of the module, below the package.
        variable: such as "HEADS"; the dict may stand inside a call that wraps it.

    Raises:
        LookupError: the module assigns no such names; a mistake of ours.
    """
    for node in ast.parse((PACKAGE / file).read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == variable for target in targets):
            value = getattr(node, "value", None)
            parts = [] if value is None else [value, *ast.walk(value)]
            for part in parts:
                items = part.keys if isinstance(part, ast.Dict) else getattr(part, "elts", None)
                if items:
                    return tuple(str(item.value) for item in items if isinstance(item, ast.Constant))
    raise LookupError(f"{file} assigns no names to {variable}")


def listed(names: tuple[str, ...]) -> str:
    """Write names as a sentence's list: "a, b or c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


TASKS: tuple[str, ...] = get_args(Task)
STRATEGIES = names_in("strategies/__init__.py", "STRATEGIES")
HEADS = names_in("models/heads/__init__.py", "HEADS")
PRESETS = names_in("augment/presets.py", "BUILT_IN")
CANDIDATES = tuple(name for name in names_in("new_camera/candidates.py", "CANDIDATES") if name != "source")
TARGETS = names_in("converting.py", "TARGETS")
