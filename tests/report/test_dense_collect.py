"""Reading runs of masks and boxes: whole, moved, damaged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.report.fake_dense import BOX_CLASSES, IGNORED, MASK_CLASSES, draw_truth, make_box_run, make_mask_run
from vision_ft.errors import DataError
from vision_ft.reporting.collect.run import collect_run


def test_a_run_of_masks_is_read_with_its_true_and_predicted_maps(tmp_path):
    run = collect_run(make_mask_run(tmp_path))
    assert (run.task, list(run.splits), run.classes) == ("segmentation", ["test", "val"], MASK_CLASSES)
    split = run.main
    assert split.background == 0
    assert np.array_equal(split.read_truth(2), draw_truth(3))
    shifted = np.roll(np.where(draw_truth(3) == IGNORED, 0, draw_truth(3)), 2, axis=1)
    assert np.array_equal(split.read_predicted(2), shifted)


def test_the_worst_mask_comes_first_and_a_picture_without_a_counted_pixel_not_at_all(tmp_path):
    split = collect_run(make_mask_run(tmp_path)).main
    assert split.worst_first == [5, 4, 3, 2, 1, 0]
    confusion = split.predictions.confusion.copy()
    confusion[5] = 0
    unjudged = replace(split, predictions=replace(split.predictions, confusion=confusion))
    assert unjudged.worst_first == [4, 3, 2, 1, 0]


def test_masks_that_moved_are_not_read_and_stop_nothing(tmp_path):
    run_dir = make_mask_run(tmp_path)
    (tmp_path / "data").rename(tmp_path / "moved")
    assert collect_run(run_dir).main.read_truth(0) is None
    assert collect_run(run_dir, data_root=tmp_path / "moved").main.read_truth(0) is not None
    (run_dir / "predictions" / "test" / "000000.png").write_bytes(b"cut")
    assert collect_run(run_dir).main.read_predicted(0) is None


def test_a_predicted_map_outside_the_run_is_not_opened(tmp_path):
    run = collect_run(make_mask_run(tmp_path))
    split = run.main
    split.predictions.masks[0] = "../../data/masks/test0.png"
    assert (split.folder / split.predictions.masks[0]).is_file()
    assert split.read_predicted(0) is None


def test_a_run_of_boxes_knows_what_became_of_every_box(tmp_path):
    run = collect_run(make_box_run(tmp_path))
    assert (run.task, run.classes) == ("detection", BOX_CLASSES)
    split = run.main
    kinds = [sorted(split.explained.kinds[split.found_in(row)]) for row in range(6)]
    assert kinds == [
        ["hit", "hit"],
        ["hit"],
        ["class", "hit"],
        ["hit", "localisation"],
        ["duplicate", "hit", "hit"],
        ["background", "hit", "hit"],
    ]
    assert split.explained.missed[split.true_in(1)].tolist() == [False, True, False]
    assert split.worst_first[-1] == 0


def test_a_damaged_file_of_boxes_is_named(tmp_path):
    run_dir = make_box_run(tmp_path)
    file = run_dir / "predictions" / "val.parquet"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"val\.parquet: not a readable parquet file"):
        collect_run(run_dir)
