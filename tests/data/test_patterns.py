"""Group patterns: what they match, what they refuse."""

from __future__ import annotations

import pytest

from vision_ft.data.reading.patterns import compile_pattern
from vision_ft.errors import DataError, RecipeError


@pytest.mark.parametrize(
    ("pattern", "path", "group", "label"),
    [
        ("{camera}/{label}/*", "north/busy/1.jpg", "north", "busy"),
        ("{camera}/{label}/{sequence}_*", "north/busy/seq1_2013_slot2.jpg", "north/seq1", "busy"),
        ("{label}/{bird}-*.jpg", "train/wren/b7-left-2.jpg", "b7", "wren"),
        ("{site}/**/{label}/*", "lake/2020/may/duck/1.jpg", "lake", "duck"),
        ("{site}/**/{label}/*", "lake/duck/1.jpg", "lake", "duck"),
        ("{day}?.jpg", "a/2020x.jpg", "2020", None),
        ("[{site}] (a+b)/*", "[x] (a+b)/1.jpg", "x", None),
        ("{site}_{year}/*", "été_2020/日.jpg", "été/2020", None),
    ],
)
def test_a_pattern_takes_group_and_label(pattern: str, path: str, group: str, label: str | None) -> None:
    groups, labels = compile_pattern(pattern).match([path])
    assert groups == [group]
    assert labels == (None if label is None else [label])


def test_group_by_chooses_the_fields() -> None:
    pattern = compile_pattern("{camera}/{label}/{sequence}_*", group_by=["camera"])
    assert pattern.match(["north/busy/s1_1.jpg"])[0] == ["north"]
    only_label = compile_pattern("{camera}/{label}/*", group_by=[])
    assert only_label.match(["north/busy/1.jpg"]) == ([None], ["busy"])


def test_a_path_that_does_not_fit_is_named() -> None:
    with pytest.raises(DataError, match=r"'\{camera\}/\{label\}/\{s\}_\*' does not fit 1 of 2 paths, first: a/b/c.jpg"):
        compile_pattern("{camera}/{label}/{s}_*").match(["a/b/c_1.jpg", "a/b/c.jpg"])


@pytest.mark.parametrize(
    ("pattern", "group_by", "message"),
    [
        ("*/*.jpg", None, "has no field. Write for example '{camera}/{label}/\\*'"),
        ("{a}/{a}", None, "field 'a' is written twice"),
        ("{1a}/x", None, "not a plain name"),
        ("{a/x", None, "unbalanced brace at character 1"),
        ("{camera}/{label}", ["camra"], "group_by names 'camra'.*Did you mean \"camera\""),
    ],
)
def test_a_wrong_pattern_says_what_is_wrong(pattern: str, group_by: list[str] | None, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        compile_pattern(pattern, group_by=group_by)
