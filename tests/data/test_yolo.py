"""YOLO's data.yaml and label rows: names are text, keypoints are no outlines, and nothing in the file grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.annotated import draw_pictures
from vision_ft.data.formats import FORMATS, detect
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError

BOX = "0.5 0.5 0.25 0.5"
HEAD = "train: images\nval: images\n"


def yolo_set(root: Path, content: str, rows: str = f"0 {BOX}\n") -> Path:
    """One image of 64 x 48 px with its rows, and a data.yaml."""
    draw_pictures(root, ["images/train/a.png"])
    (root / "labels/train").mkdir(parents=True, exist_ok=True)
    (root / "labels/train/a.txt").write_text(rows)
    (root / "data.yaml").write_text("train: images/train\n" + content)
    return root


def read(root: Path, **options) -> SampleTable:
    assert detect(root) == "yolo"
    return FORMATS["yolo"](root, **options)


@pytest.mark.parametrize("shape", [(4, 2), (3, 3)])
def test_the_box_of_a_pose_row_is_its_first_values_not_the_hull_of_its_keypoints(shape: tuple, tmp_path: Path) -> None:
    points = " ".join(["0.01 0.99 2"[: 9 if shape[1] == 2 else 11]] * shape[0])
    rows = f"0 {BOX} {points}\n0 {BOX}\n"
    table = read(yolo_set(tmp_path, f"names: [person]\nkpt_shape: {list(shape)}\n", rows))
    assert table.arrow["boxes"].to_pylist() == [[[24.0, 12.0, 40.0, 36.0]] * 2]
    assert "polygons" not in table.arrow.column_names
    assert [(one.level, one.kind, one.detail) for one in table.remarks] == [
        (
            "info",
            "keypoints",
            f"data.yaml: the keypoints (kpt_shape {list(shape)}) of 1 rows are dropped, not their boxes.",
        )
    ]


@pytest.mark.parametrize(
    ("shape", "row", "words"),
    [
        (
            "[4, 2]",
            f"0 {BOX} 0.1 0.1",
            r"a.txt line 1: expected 'class cx cy w h' and 4 x 2 values of keypoints, got 7",
        ),
        ("[4, 4]", f"0 {BOX}", r"data.yaml: kpt_shape must be \[number of keypoints, 2 or 3\]; got \['4', '4'\]"),
        ("17", f"0 {BOX}", r"data.yaml: kpt_shape must be .*; got '17'"),
        (f"[{'9' * 5000}, 3]", f"0 {BOX}", r"data.yaml: kpt_shape must be .*; got \['999"),
    ],
)
def test_keypoints_that_do_not_fit_their_shape_are_refused(shape: str, row: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(yolo_set(tmp_path, f"names: [person]\nkpt_shape: {shape}\n", f"{row}\n"))
    assert len(str(caught.value)) < 500


def test_class_names_that_yaml_takes_for_other_things_stay_text(tmp_path: Path) -> None:
    names = ["yes", "no", "on", "off", "True", "010", "1.50", "1e3", "2020-01-01", "1:30"]
    listed = read(yolo_set(tmp_path / "list", f"nc: {len(names)}\nnames: [{', '.join(names)}]\n"))
    assert listed.classes.names == tuple(names)
    lines = "".join(f"  {number}: {name}\n" for number, name in enumerate(names))
    assert read(yolo_set(tmp_path / "mapping", f"names:\n{lines}test:\nval: ~\n")).classes.names == tuple(names)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("names: [cat, '']\n", r"data.yaml: the name of class 1 is blank. Give each class a name"),
        ("names:\n  - cat\n  -\n", r"the name of class 1 is blank"),
        ("names: [' ', dog]\n", r"the name of class 0 is blank"),
        ("names: [cat, null]\n", r"the name of class 1 is blank.*null must be quoted"),
        ("names: [[cat], dog]\n", r"names must be a list of class names, or number: name; got \[\['cat'\], 'dog'\]"),
        ("names: [cat, dog, cat]\n", r"names holds \['cat'\] twice"),
        ("names: {0: cat, 0: dog}\n", r"data.yaml, line 2: key '0' was already set on line 2. Keep one of the two"),
        ("nc: 2\nnames: [cat]\n", r"nc is 2, but names has 1 names"),
        (
            "names: &all [cat, dog]\nlater: *all\n",
            r"line 2: anchors \(&name\) and aliases \(\*name\) are refused; write",
        ),
        ("names: [!!bool yes]\n", r"line 2: tag 'tag:yaml.org,2002:bool' is refused; data.yaml holds plain values"),
        ("names: [!!python/name:os.system x]\n", r"line 2: tag .*os.system' is refused"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        read(yolo_set(tmp_path, content))


@pytest.mark.timeout(20)
def test_aliases_that_grow_without_bound_are_refused_in_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    yolo_set(tmp_path, "\n".join([*lines, "names: *a11\n"]))
    with pytest.raises(DataError, match="line 2: anchors") as caught:
        read(tmp_path)
    assert len(str(caught.value)) < 500
    (tmp_path / "data.yaml").rename(tmp_path / "other.yaml")
    assert detect(tmp_path) != "yolo"


def test_a_message_shows_the_beginning_of_a_huge_value_only(tmp_path: Path) -> None:
    numbers = "".join(f"  {number}: c{number}\n" for number in range(1, 3000))
    with pytest.raises(DataError, match=r"without a gap") as caught:
        read(yolo_set(tmp_path, f"names:\n{numbers}"))
    assert len(str(caught.value)) < 500
    with pytest.raises(DataError, match="larger than 1 MiB, which no data.yaml is") as caught:
        read(yolo_set(tmp_path, f"names: [cat]\n# {'x' * 2**20}\n"))
