"""The shape of the repository: small files that say their purpose, imports that point downwards, no torch at import."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_LINES = 400  # 300 made people split files by size instead of by idea; beyond 400 a file holds two ideas
MAX_MODULES = 20  # of a folder: a family of files wants a folder of its own before that
MAX_FUNCTION_LINES = 40
PACKAGE_FILES = sorted((ROOT / "vision_ft").rglob("*.py"))
TEXT_ENDINGS = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
    ".cfg",
    ".ini",
    ".json",
    ".html",
    ".css",
    ".js",
    ".sh",
    "",
}
REGISTRY_HOSTS = tuple(  # put together here, so that this file does not name them either
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"), ("download", "pytorch", "org"))
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked_text_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the tracked files are not known")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    return [file for file in files if file.is_file() and file.suffix in TEXT_ENDINGS]


def test_the_package_is_found():
    assert len(PACKAGE_FILES) > 10


def test_a_module_says_its_purpose_in_one_sentence():
    docstrings = {
        name_of(path): ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in PACKAGE_FILES
    }
    assert [name for name, text in docstrings.items() if not (text and text.splitlines()[0].endswith("."))] == []


def test_a_file_has_at_most_400_lines():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE_FILES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_folder_holds_more_than_20_modules():
    counts = Counter(name_of(path.parent) for path in PACKAGE_FILES)
    assert {folder: count for folder, count in counts.items() if count > MAX_MODULES} == {}


def test_a_function_fits_a_screen():
    """40 lines without the docstring."""
    too_long = {}
    for path in PACKAGE_FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = node.end_lineno - body[0].lineno + 1 if body else 0
                if lines > MAX_FUNCTION_LINES:
                    too_long[f"{name_of(path)}:{node.name}"] = lines
    assert too_long == {}


@pytest.mark.parametrize("module", ["vision_ft", "vision_ft.config", "vision_ft.errors", "vision_ft.types"])
def test_importing_the_package_loads_no_torch(module):
    heavy = "{'torch', 'torchvision', 'timm', 'albumentations', 'matplotlib', 'sklearn'}"
    code = f"import sys, {module}; loaded = {heavy} & set(sys.modules); assert not loaded, loaded"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["vision_ft.api.train", "vision_ft.pipeline"])
def test_importing_the_training_loads_no_library_that_only_other_work_needs(module):
    """What is listed is loaded where it is used; scripts/bench_import.py measures what that saves."""
    libraries = ["matplotlib", "sklearn", "scipy.stats", "scipy.optimize", "albumentations", "jinja2", "transformers"]
    libraries += ["segmentation_models_pytorch", "pycocotools", "lightning_fabric", "IPython"]
    own = ["vision_ft.feed", "vision_ft.demo", "vision_ft.reporting.html", "vision_ft.new_camera", "vision_ft.cli"]
    code = f"import sys, {module}; loaded = {set(libraries + own)} & set(sys.modules); assert not loaded, loaded"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_dev_extra_equals_the_dev_group():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["optional-dependencies"]["dev"] == project["dependency-groups"]["dev"]


def test_no_tracked_text_names_a_package_registry():
    named = {
        name_of(file): host
        for file in tracked_text_files()
        for host in REGISTRY_HOSTS
        if host in file.read_text(encoding="utf-8", errors="replace")
    }
    assert named == {}


def test_the_laws_of_the_imports_are_kept():
    tool = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    if tool is None:
        pytest.skip("import-linter is not installed")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 kept, 0 broken" in done.stdout


def test_only_one_file_imports_albumentations():
    importers = [name_of(path) for path in PACKAGE_FILES if _imports(path, "albumentations")]
    assert len(importers) == 1, importers
    assert importers[0].startswith("vision_ft/augment/")


def _imports(path: Path, package: str) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == package for name in names):
            return True
    return False
