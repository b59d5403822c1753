"""The predictions file of segmentation: round trip, weighted numbers, and the errors of files that cannot be used."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluate.masks import judged, label_maps
from vision_ft.errors import DataError
from vision_ft.evaluate.classification.predictions import Predictions, write_predictions
from vision_ft.evaluate.masks.metrics import MASK_METRICS, areas_of
from vision_ft.evaluate.masks.predictions import MaskPredictions, read_mask_predictions, write_mask_predictions

MAPS = label_maps(3)
FULL = {
    "ids": np.array([4, 7, 9]),
    "groups": np.array(["north", None, "süd, <2>"], dtype=object),
    "masks": ["val/000004.png", "val/000007.png", None],
    "targets": ["masks/0.png", None, "masks/2.png"],
}


def test_what_is_written_is_read_back(tmp_path):
    file, given = tmp_path / "val.parquet", judged(MAPS, **FULL)
    write_mask_predictions(file, given)
    back = read_mask_predictions(file)
    assert (back.classes, back.paths, back.task, len(back)) == (given.classes, given.paths, "segmentation", 3)
    assert (back.masks, back.targets) == (FULL["masks"], FULL["targets"])
    for name in ("confusion", "boundary", "confidence", "ignored", "ids", "groups"):
        assert np.array_equal(getattr(back, name), getattr(given, name)), name
    assert back.headline() == given.headline()
    assert [path.name for path in tmp_path.iterdir()] == ["val.parquet"]


def test_counts_beyond_the_exact_floats_survive_the_file(tmp_path):
    confusion = np.full((1, 4, 4), 2**53 + 1, np.int64)
    write_mask_predictions(tmp_path / "p.parquet", judged(MAPS[:1], confusion=confusion))
    assert np.array_equal(read_mask_predictions(tmp_path / "p.parquet").confusion, confusion)


def test_groups_rows_and_files_may_be_absent(tmp_path):
    write_mask_predictions(tmp_path / "p.parquet", judged(MAPS))
    back = read_mask_predictions(tmp_path / "p.parquet")
    assert (back.groups, back.masks, back.targets, back.ids.tolist()) == (None, None, None, [0, 1, 2])


def test_an_empty_split_is_written_and_read(tmp_path):
    write_mask_predictions(tmp_path / "p.parquet", judged([]))
    back = read_mask_predictions(tmp_path / "p.parquet")
    assert (len(back), back.confusion.shape, back.boundary.shape) == (0, (0, 4, 4), (0, 4, 4))
    assert np.isnan(list(back.headline().values())).all()


def test_the_file_says_its_task_its_classes_and_its_columns(tmp_path):
    write_mask_predictions(tmp_path / "p.parquet", judged(MAPS))
    schema = pq.read_schema(tmp_path / "p.parquet")
    names = ["id", "path", "confusion", "boundary", "confidence", "ignored", "mask", "target", "group"]
    assert schema.names == names
    assert schema.metadata[b"vision_ft"] == (
        b'{"classes": ["ground", "tree", "car", "never"], "task": "segmentation", "format_version": 1}'
    )


def test_headline_pools_the_pixels_of_all_pictures():
    predictions = judged(MAPS)
    pooled = predictions.confusion.sum(axis=0)
    assert predictions.headline() == {name: metric.compute(areas_of(pooled)) for name, metric in MASK_METRICS.items()}


def test_a_weight_is_how_often_a_picture_counts():
    twice = judged([MAPS[0], MAPS[0], MAPS[2]]).headline()
    weighted = judged(MAPS).headline(np.array([2, 0, 1]))
    assert weighted == twice
    assert weighted != judged(MAPS).headline()
    assert np.isnan(list(judged(MAPS).headline(np.zeros(3)).values())).all()


def test_a_class_that_the_weights_leave_out_leaves_the_mean():
    truth = np.zeros((4, 4), int)
    predictions = judged([(truth, truth), (truth + 1, truth + 2)])
    assert predictions.headline(np.array([1, 0])) == {"miou": 1, "dice": 1, "pixel_accuracy": 1}
    assert predictions.headline()["miou"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confusion": np.zeros((3, 4, 5), int)}, r"confusion has shape \(3, 4, 5\), expected \(3, 4, 4\) for 3 ima"),
        ({"boundary": np.zeros((2, 4, 4), int)}, r"boundary has shape \(2, 4, 4\), expected \(3, 4, 4\)"),
        ({"confidence": np.zeros(4)}, r"confidence has shape \(4,\), expected \(3,\) for 3 images of 4 classes"),
        ({"masks": ["val/1.png"]}, r"masks has shape \(1,\), expected \(3,\)"),
        ({"groups": np.array(["a", "b"])}, r"groups has shape \(2,\), expected \(3,\)"),
        ({"ignored": np.array([0, -5, 0])}, "ignored holds -5; it counts pixels, from 0"),
    ],
)
def test_arrays_that_cannot_be_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        judged(MAPS, **changes)


def rewrite(file, change) -> None:
    table = pq.read_table(file)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), file)


def test_a_missing_a_cut_and_a_newer_file_are_named(tmp_path):
    file = tmp_path / "val.parquet"
    with pytest.raises(DataError, match="val.parquet: no such predictions file"):
        read_mask_predictions(file)
    write_mask_predictions(file, judged(MAPS))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataError, match="cut or damaged"):
        read_mask_predictions(file)
    about = {b"vision_ft": b'{"task": "segmentation", "format_version": 99, "classes": []}'}
    pq.write_table(pa.table({"path": ["a"]}).replace_schema_metadata(about), file)
    with pytest.raises(DataError, match="newer vision-ft .format 99, this one reads up to 1.; update"):
        read_mask_predictions(file)


def test_a_file_of_another_task_or_tool_is_refused(tmp_path):
    file, one = tmp_path / "val.parquet", np.zeros(1, int)
    write_predictions(file, Predictions(classes=("a",), paths=["x.jpg"], targets=one, predicted=one))
    with pytest.raises(DataError, match='of the task "classification"; expected those that vision-ft wrote for segm'):
        read_mask_predictions(file)
    pq.write_table(pa.table({"path": ["a"]}), file)
    with pytest.raises(DataError, match="that another tool wrote; expected"):
        read_mask_predictions(file)


def test_a_file_with_a_lost_column_short_rows_or_negative_counts_is_refused(tmp_path):
    file = tmp_path / "val.parquet"
    write_mask_predictions(file, judged(MAPS))
    rewrite(file, lambda table: table.drop_columns(["boundary"]))
    with pytest.raises(DataError, match=r"lacks the columns \['boundary'\]; it has \['id', .*Write it anew"):
        read_mask_predictions(file)
    write_mask_predictions(file, judged(MAPS))
    short = pa.array([[1, 2, 3]] * 3, pa.list_(pa.int64()))
    rewrite(file, lambda table: table.set_column(2, "confusion", short))
    with pytest.raises(DataError, match="'confusion' holds 9 numbers for 3 images of 4 classes; expected 16 an image"):
        read_mask_predictions(file)
    write_mask_predictions(file, judged(MAPS))
    rewrite(file, lambda table: table.set_column(5, "ignored", pa.array([0, 0, -1])))
    with pytest.raises(DataError, match="val.parquet: mask predictions: ignored holds -1"):
        read_mask_predictions(file)


def test_predictions_are_built_by_name_only():
    with pytest.raises(TypeError, match="positional"):
        MaskPredictions(("a",), ["x.jpg"])
