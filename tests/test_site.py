"""The site and the citation say what the package is; that the site builds is checked in .ci/run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

import vision_ft as vf

ROOT = Path(__file__).resolve().parents[1]


def test_the_reference_has_every_public_name():
    shown = re.findall(r"^::: vision_ft\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert sorted(shown) == sorted(set(vf.__all__) - {"__version__"})


def test_the_reference_has_every_error():
    from vision_ft import errors

    shown = set(re.findall(r"^::: vision_ft\.errors\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE))
    raised = {name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, Exception)}
    assert shown == raised


def test_the_citation_names_the_package_and_its_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (citation["title"], citation["license"]) == (project["name"], project["license"])
