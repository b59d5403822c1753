"""The kinds of values that a recipe may hold.

Numbers are strict: 2.5 epochs and `batch_size: true` are errors. A float field also accepts a number written as text
('1e-3'), because quoting a number is a habit that harms nobody.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_NUMBER_AS_TEXT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def _read_number_as_text(value: Any) -> Any:
    """Turn '1e-3' into 0.001; anything else is left to the strict check that follows."""
    if isinstance(value, str) and _NUMBER_AS_TEXT.fullmatch(value.strip()):
        return float(value)
    return value


def _require_plain_values(value: Any) -> Any:
    """Refuse what YAML cannot hold, so that every recipe can be written down and read back."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"key {key!r} is not text: quote it")
            _require_plain_values(item)
    elif isinstance(value, list):
        for item in value:
            _require_plain_values(item)
    elif not (value is None or isinstance(value, str | bool | int | float)):
        raise ValueError(f"{value!r} is no plain value: use text, numbers, true/false, lists and mappings")
    return value


AS_TEXT = BeforeValidator(_read_number_as_text)  # stands after the bounds, so that they reach the JSON schema
Number = Annotated[float, Field(allow_inf_nan=False), AS_TEXT]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), AS_TEXT]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), AS_TEXT]
Share = Annotated[float, Field(ge=0, lt=1), AS_TEXT]
PositiveInt = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=8, le=8192)]
Name = Annotated[str, Field(min_length=1)]
Options = Annotated[dict[str, Any], AfterValidator(_require_plain_values)]


class Section(BaseModel):
    """A part of the recipe: frozen, closed, strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
