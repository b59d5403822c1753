"""Which images are shown, and that the budget holds."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from tests.report.fake_run import make_run
from vision_ft.errors import DataError
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.run import collect_run
from vision_ft.reporting.picture_list import PER_DIAGONAL, choose_rows
from vision_ft.reporting.thumbnails import build_thumbnails, load_picture


def test_every_mistake_and_a_few_right_ones_of_each_class_are_chosen(tmp_path):
    split = collect_run(make_run(tmp_path)).main
    rows = choose_rows(split)
    assert len(rows) == len(set(rows))
    assert set(split.mistakes.tolist()) <= set(rows)
    assert rows[0] == split.mistakes[0]
    right = [row for row in rows if split.predictions.targets[row] == split.predictions.predicted[row]]
    assert np.bincount(split.predictions.targets[right]).tolist() == [PER_DIAGONAL] * 6


def test_every_cell_has_a_picture_before_any_cell_has_a_third(tmp_path):
    split: ClassSplit = collect_run(make_run(tmp_path, per_class=60)).main
    targets, predicted = split.predictions.targets, split.predictions.predicted
    cells = {(t, p) for t, p in zip(targets, predicted, strict=True) if t != p}
    rows = choose_rows(split, limit=60 + 2 * len(cells))
    assert {(targets[row], predicted[row]) for row in rows} >= cells


def test_thumbnails_are_small_webp_pictures(tmp_path):
    file = tmp_path / "big.png"
    Image.new("RGB", (800, 400), (200, 10, 10)).save(file)
    made = build_thumbnails(["big.png"], lambda path: tmp_path / path, load=load_picture)
    prefix, text = made.uri_by_path["big.png"].split(",")
    assert prefix == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(text))).size == (112, 56)


def test_missing_and_broken_pictures_are_listed_and_do_not_stop_the_report(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    made = build_thumbnails(["none.jpg", "broken.jpg", "nul\0.jpg"], lambda path: tmp_path / path)
    assert made.uri_by_path == {}
    assert made.missing == ("none.jpg", "broken.jpg", "nul\0.jpg")


def test_budget_stops_the_decoding_and_says_how_many_are_left_out(tmp_path):
    noise = Image.effect_noise((112, 112), 80)
    made = build_thumbnails(
        [str(k) for k in range(1000)], lambda path: tmp_path / path, load=lambda _: noise, budget_bytes=200_000
    )
    used = sum(map(len, made.uri_by_path.values()))
    assert 200_000 <= used < 200_000 + 64 * 15_000
    assert made.left_out == 1000 - len(made.uri_by_path) > 0


def test_a_loader_may_raise_a_data_error(tmp_path):
    def refuse(path):
        raise DataError(f"{path}: no")

    assert build_thumbnails(["a"], lambda path: tmp_path / path, load=refuse).missing == ("a",)
