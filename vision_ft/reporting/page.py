"""What every page needs: templates that escape by default, assets of the package, the hash of the page's script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from jinja2 import ChoiceLoader, Environment, FunctionLoader, PackageLoader, StrictUndefined

from vision_ft.reporting.own_sections import template_of
from vision_ft.reporting.section import count, cut, number, number_span, percent, points, points_span, span


def make_environment() -> Environment:
    """Return the templates' environment, with the number filters of `section` and the function count."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("vision_ft.reporting"), FunctionLoader(template_of)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"percent": percent, "span": span, "points": points, "points_span": points_span, "cut": cut}
    environment.filters |= {"number": number, "number_span": number_span}
    environment.globals["count"] = count
    return environment


def read_assets(names: Sequence[str]) -> str:
    """Return the text of some files beside the templates, one after the other."""
    folder = resources.files("vision_ft.reporting").joinpath("templates")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def hash_script(script: str) -> str:
    """Return the base64 SHA-256 by which the page's content security policy allows its own script alone."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
