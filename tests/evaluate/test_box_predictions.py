"""The predictions file of boxes round trip, and the errors that bad values deserve."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluate.boxes import PARTS, drawn, picture, predictions_of, square
from vision_ft.errors import DataError
from vision_ft.evaluate.boxes import predictions as box_predictions
from vision_ft.evaluate.boxes.predictions import BoxPredictions, read_box_predictions, write_box_predictions
from vision_ft.evaluate.classification.predictions import Predictions, write_predictions


def example(**changes) -> BoxPredictions:
    return predictions_of(
        picture([(square(1.5), 0.75, 0), (square(20), 0.25, 1)], [(square(2), 0), (square(9), 1, True)]),
        picture(),
        picture([], [(square(3), 1)]),
        classes=("<script>", "b, c"),
        **changes,
    )


def test_what_is_written_is_read_back(tmp_path):
    given = example(
        thresholds=np.array([0.1, 1 / 3]), groups=np.array(["cam", None, "x"], dtype=object), ids=np.array([7, 9, 4])
    )
    write_box_predictions(tmp_path / "test.parquet", given)
    back = read_box_predictions(tmp_path / "test.parquet")
    assert (back.classes, list(back.paths), back.task) == (given.classes, given.paths, "detection")
    for name in ("sizes", "thresholds", "groups", "ids"):
        assert (getattr(back, name) == getattr(given, name)).all(), name
    for name in PARTS:
        for mine, theirs in zip(getattr(back, name), getattr(given, name), strict=True):
            assert (mine.shape, mine.dtype, mine.tolist()) == (theirs.shape, theirs.dtype, theirs.tolist()), name
    assert [path.name for path in tmp_path.iterdir()] == ["test.parquet"]


def test_a_drawn_set_has_the_same_metric_after_the_round_trip(tmp_path):
    given = drawn(0, pictures=6)
    write_box_predictions(tmp_path / "val.parquet", given)
    assert read_box_predictions(tmp_path / "val.parquet").headline() == given.headline()


def test_thresholds_groups_and_rows_may_be_absent_and_so_may_pictures(tmp_path):
    file = tmp_path / "p.parquet"
    write_box_predictions(file, example())
    back = read_box_predictions(file)
    assert (back.thresholds, back.groups, back.ids.tolist()) == (None, None, [0, 1, 2])
    assert back.cutoffs.tolist() == [0.5, 0.5]
    write_box_predictions(file, predictions_of())
    assert len(read_box_predictions(file)) == 0


def test_columns_are_those_of_the_contract(tmp_path):
    write_box_predictions(tmp_path / "val.parquet", example())
    table = pq.read_table(tmp_path / "val.parquet")
    assert table.schema.names == [
        *("id", "path", "height", "width", "boxes", "scores", "predicted", "target_boxes", "target", "ignored", "group")
    ]
    assert table.column("predicted").to_pylist() == [["<script>", "b, c"], [], []]
    assert table.column("target_boxes")[2].as_py() == [[3.0, 0.0, 103.0, 100.0]]


def test_matching_is_done_once_and_new_thresholds_keep_it(monkeypatch):
    calls = []
    match = box_predictions.match_boxes
    monkeypatch.setattr(
        box_predictions, "match_boxes", lambda *args, **kw: calls.append(kw["area"]) or match(*args, **kw)
    )
    given = example()
    given.headline()
    changed = given.with_thresholds(np.array([0.2, 0.9]))
    assert changed.headline(np.array([1, 0, 2])) == given.headline(np.array([1, 0, 2]))
    assert (calls, changed.cutoffs.tolist()) == (["all"], [0.2, 0.9])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paths": ["a", "b"]}, "^box predictions: 2 paths but 3 sizes; each image needs one entry$"),
        ({"groups": ["a"]}, "3 paths but 1 groups; each image"),
        ({"sizes": np.ones((3, 3))}, r"sizes have shape \(3, 3\), expected \(N, 2\): height and width in pixels"),
        (
            {"sizes": np.array([[1, 1], [0, 5], [1, 1]])},
            r"image 1 \(1.jpg\): height 0 and width 5; both must be above",
        ),
        ({"thresholds": [0.5]}, r"thresholds have shape \(1,\), expected \(2,\): one a class"),
        ({"thresholds": [0.5, np.nan]}, "threshold nan of class 1; it must be within 0 and 1"),
        ({"boxes": [np.zeros((2, 5)), [], []]}, r"boxes of image 0 have shape \(2, 5\), expected \(M, 4\)"),
        ({"scores": [[[0.1]], [], []]}, r"scores of image 0 have shape \(1, 1\), expected \(M,\)"),
        ({"scores": [[0.1], [], []]}, r"image 0 \(0.jpg\): 2 boxes but 1 scores; each box needs one"),
        ({"labels": [[0, 1], [1], []]}, r"image 1 \(1.jpg\): 0 boxes but 1 labels"),
        ({"target_labels": [[0, 1], [], []]}, r"image 2 \(2.jpg\): 1 target boxes but 0 target labels"),
        ({"ignored": [[True], [], [False]]}, "image 0 .*: 2 target boxes but 1 ignored marks"),
        (
            {"boxes": [[square(0), [1, 2, np.nan, 4]], [], []]},
            r"image 0 \(0.jpg\): box 1 is \[1.0, 2.0, nan, 4.0\]; x1 y1 x2 y2 must be finite, x2 >= x1 and y2 >= y1",
        ),
        (
            {"target_boxes": [[square(0)] * 2, [], [[5, 0, 4, 9]]]},
            r"image 2 .*: target box 0 is \[5.0, 0.0, 4.0, 9.0\]",
        ),
        ({"labels": [[0, 2], [], []]}, r"label of box 1 is 2; there are 2 classes \(0..1\)"),
        ({"target_labels": [[0, 0], [], [-1]]}, r"image 2 .*: label of target box 0 is -1; there are 2 classes"),
        ({"scores": [[0.5, 1.5], [], []]}, "score of box 1 is 1.5; a score must be within 0 and 1"),
        ({"scores": [[np.nan, 0.5], [], []]}, "score of box 0 is nan"),
    ],
)
def test_values_that_cannot_be_are_named_with_their_picture(changes, message):
    with pytest.raises(DataError, match=message):
        example(**changes)


def test_a_cut_file_a_missing_file_and_a_newer_format_are_named(tmp_path):
    file = tmp_path / "test.parquet"
    with pytest.raises(DataError, match="no such predictions file"):
        read_box_predictions(file)
    write_box_predictions(file, example())
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataError, match="cut or damaged"):
        read_box_predictions(file)
    write_with(file, b'{"task": "detection", "format_version": 99}')
    with pytest.raises(DataError, match=r"newer vision-ft \(format 99, this one reads up to 1\); update vision-ft"):
        read_box_predictions(file)


def test_files_of_another_task_of_another_tool_or_without_a_column_are_named(tmp_path):
    file = tmp_path / "test.parquet"
    write_predictions(file, Predictions(("a",), ["x"], np.array([0]), np.array([0])))
    with pytest.raises(DataError, match='predictions of the task "classification"; expected .* for detection'):
        read_box_predictions(file)
    pq.write_table(pa.table({"path": ["a"]}), file)
    with pytest.raises(DataError, match="predictions that another tool wrote"):
        read_box_predictions(file)
    write_with(file, b'{"task": "detection", "format_version": 1}')
    with pytest.raises(DataError, match=r"lacks the columns \['id', 'group'.*it has \['path'\]. Write it anew."):
        read_box_predictions(file)


def test_an_unknown_class_and_a_bad_box_in_a_file_are_named_with_the_file(tmp_path):
    file = tmp_path / "test.parquet"
    write_box_predictions(file, example())
    table = pq.read_table(file)
    place = table.schema.names.index("target")
    names = pa.array([["<script>", "bird"], [], ["b, c"]])
    pq.write_table(table.set_column(place, "target", names), file)
    with pytest.raises(DataError, match=r"test.parquet: column 'target' holds \['bird'\], not among the classes"):
        read_box_predictions(file)
    place = table.schema.names.index("scores")
    pq.write_table(table.set_column(place, "scores", pa.array([[2.0, 0.5], [], []], pa.list_(pa.float32()))), file)
    with pytest.raises(DataError, match="test.parquet: box predictions, image 0 .*: score of box 0 is 2.0"):
        read_box_predictions(file)
    place = table.schema.names.index("boxes")
    pq.write_table(table.set_column(place, "boxes", pa.array([[[1.0, 2, 3], [1, 2, 3, 4, 5]], [], []])), file)
    with pytest.raises(DataError, match="test.parquet: column 'boxes' holds a box of 3 numbers, expected x1 y1 x2 y2"):
        read_box_predictions(file)


def write_with(file, about: bytes) -> None:
    pq.write_table(pa.table({"path": ["a"]}).replace_schema_metadata({b"vision_ft": about}), file)
