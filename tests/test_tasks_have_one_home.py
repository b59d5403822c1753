"""A task is described once in each layer that may know it; no other file chooses by its name or by its classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from vision_ft.data.kinds import KINDS
from vision_ft.evaluate.scoring import SCORINGS
from vision_ft.reporting.pages import PAGES
from vision_ft.tasks import TASKS
from vision_ft.types import Task

ROOT = Path(__file__).resolve().parents[1]
NAMES = frozenset(get_args(Task))
CONSTANTS = frozenset(name.upper() for name in NAMES)
# The registries, and where the defaults of a recipe differ by task.
HOMES = (
    "vision_ft/config/by_task.py",
    "vision_ft/data/kinds/",
    "vision_ft/evaluate/scoring/",
    "vision_ft/reporting/pages/",
    "vision_ft/tasks/",
    "vision_ft/types.py",
)
FOREIGN = {"vision_ft/models/heads/fcos.py"}  # torchvision's own name of a loss
TASK_CLASS = re.compile(r"\w+(Predictions|Prediction|Predictor|Split|Truth)|Classifier|DenseModel")
MAX_LITERALS = 40


def parsed() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "vision_ft").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def names_a_task(node: ast.AST | None) -> bool:
    if isinstance(node, ast.Constant):
        return node.value in NAMES
    if isinstance(node, ast.Name):
        return node.id in CONSTANTS
    return isinstance(node, ast.Tuple | ast.List | ast.Set) and any(names_a_task(item) for item in node.elts)


def chooses_by_task(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return any(names_a_task(side) for side in (node.left, *node.comparators))
    if isinstance(node, ast.Dict):
        return any(names_a_task(key) for key in node.keys)
    if isinstance(node, ast.MatchValue):
        return names_a_task(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
        return any(TASK_CLASS.fullmatch(word) for word in re.findall(r"\w+", ast.unparse(node.args[1])))
    return False


def test_what_chooses_by_task_is_recognised():
    code = """
if task == "detection": ...
if task in ("multilabel", MULTITASK): ...
WORDS = {"segmentation": "masks"}
if isinstance(found, MaskPredictions | None): ...
"""
    assert sum(chooses_by_task(node) for node in ast.walk(ast.parse(code))) == 4
    assert not any(chooses_by_task(node) for node in ast.walk(ast.parse("if spec.task != task: KINDS[task].audit()")))


def test_no_file_outside_the_registries_chooses_by_task():
    found = [
        f"{name}:{node.lineno} {ast.unparse(node)[:80]}"
        for name, tree in parsed()
        if not name.startswith(HOMES) and name not in FOREIGN
        for node in ast.walk(tree)
        if chooses_by_task(node)
    ]
    assert found == []


def test_the_name_of_a_task_is_written_in_few_places():
    written = [
        f"{name}:{node.lineno}"
        for name, tree in parsed()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in NAMES
    ]
    assert len(written) < MAX_LITERALS, written


def test_each_registry_describes_each_task_in_the_same_order():
    for registry in (KINDS, SCORINGS, TASKS, PAGES):
        assert list(registry) == list(get_args(Task))
