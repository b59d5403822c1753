"""Which images to label next: unsure ones, far from each other and from what is labelled."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from vision_ft.adaptation.linear_head import LabelledFeatures, fit_head
from vision_ft.adaptation.next_labels import choose_next, to_csv, to_rows
from vision_ft.data.formats.csv import labels as csv_format

GRID = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), axis=-1).reshape(-1, 2)  # 25 points, all apart


def two(first: np.ndarray | list[float]) -> np.ndarray:
    """Scores (N, 2) with the given probability of class 0."""
    first = np.asarray(first, float)
    return np.column_stack([first, 1 - first])


def test_the_least_sure_picture_comes_first():
    first = np.full(25, 0.9)
    first[7], first[20] = 0.52, 0.6
    chosen = choose_next(GRID, two(first), count=2)
    assert [entry.row for entry in chosen] == [7, 20]
    assert [entry.rank for entry in chosen] == [1, 2]
    assert (chosen[0].predicted, chosen[0].score, chosen[0].margin) == (0, 0.52, pytest.approx(0.04))
    assert np.isnan(chosen[0].distance)
    assert chosen[0].reason == "uncertain"


def test_equally_sure_pictures_are_spread_out():
    chosen = choose_next(GRID, two(np.full(25, 0.5)), labelled_features=GRID[[0]], count=4)
    places = GRID[[entry.row for entry in chosen]]
    assert chosen[0].row == 24, "the corner opposite to the labelled one"
    assert {tuple(place) for place in places[1:3]} == {(0, 4), (4, 0)}
    assert chosen[0].reason == "uncertain and unlike"


def test_a_picture_that_is_sure_but_far_from_all_labelled_ones_is_named_unlike():
    features = np.concatenate([GRID * 0.01, [[9.0, 9.0]]])
    chosen = choose_next(features, two(np.full(26, 0.8)), labelled_features=GRID[[0]] * 0.01, count=1)
    assert (chosen[0].row, chosen[0].reason) == (25, "unlike")


def test_near_duplicates_of_chosen_or_labelled_pictures_are_left_out():
    features = np.concatenate([GRID, GRID + 1e-3])
    chosen = choose_next(features, two(np.full(50, 0.5)), labelled_features=GRID[[3]], count=50)
    places = [entry.row % 25 for entry in chosen]
    assert sorted(places) == [place for place in range(25) if place != 3]


def test_one_picture_of_a_near_duplicate_cluster_is_chosen():
    clusters = np.full(25, -1)
    clusters[:20] = 4
    chosen = choose_next(GRID, two(np.full(25, 0.5)), clusters=clusters, count=25)
    assert len(chosen) == 6
    assert sum(entry.row < 20 for entry in chosen) == 1


def test_the_same_seed_gives_the_same_choice_and_ties_depend_on_it():
    scores = two(np.full(25, 0.5))
    rows = [[entry.row for entry in choose_next(GRID, scores, count=5, seed=seed)] for seed in (0, 0, 1, 2)]
    assert rows[0] == rows[1]
    assert len({row[0] for row in rows}) > 1


def test_equal_pictures_one_class_and_no_pictures_are_handled():
    assert len(choose_next(np.ones((5, 3)), two(np.full(5, 0.5)), count=3)) == 1
    assert len(choose_next(GRID, np.ones((25, 1)), count=3)) == 3
    assert choose_next(np.zeros((0, 3)), np.zeros((0, 2)), count=3) == []
    assert choose_next(GRID, two(np.full(25, 0.5)), count=0) == []
    assert len(choose_next(GRID, two(np.full(25, 0.5)), labelled_features=np.zeros((0, 2)), count=99)) == 25


def test_chosen_labels_teach_more_than_random_ones_where_a_rare_kind_decides():
    """Class 1 has a rare second kind that the model has never seen; random labels mostly miss it."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [-4.0, 6.0]])
    kind = np.repeat([0, 1, 2], [140, 140, 20])
    features, labels = centres[kind] + rng.normal(size=(300, 2)), (kind > 0).astype(np.int64)
    scores = two(1 / (1 + np.exp(features[:, 0] - 2)))
    pool, test = np.arange(0, 300, 2), np.arange(1, 300, 2)
    rare = test[kind[test] == 2]

    def right(rows: np.ndarray) -> float:
        predict = fit_head(LabelledFeatures(features[rows], labels[rows]), strength=1.0)
        return float(np.mean(predict(features[rare]) == labels[rare]))

    chosen = pool[[entry.row for entry in choose_next(features[pool], scores[pool], count=12)]]
    random = [right(np.random.default_rng(seed).permutation(pool)[:12]) for seed in range(20)]
    assert right(chosen) > np.mean(random) + 0.1


def test_the_csv_lists_the_choice_with_a_label_column_to_fill_in():
    first = np.full(25, 0.9)
    first[7] = 0.51
    paths = [f"day, {row}.jpg" for row in range(25)]
    rows = to_rows(choose_next(GRID, two(first), count=1), paths=paths, classes=["busy", "free"])
    assert rows == [{"path": "day, 7.jpg", "predicted": "busy", "score": 0.51, "rank": 1, "reason": "uncertain"}]
    read = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert read == [
        {
            "path": "day, 7.jpg",
            "label": "",
            "predicted": "busy",
            "score": "0.51",
            "rank": "1",
            "reason": "uncertain",
        }
    ]


def test_the_csv_can_be_trained_on_once_its_labels_are_filled_in(tmp_path):
    for row in range(25):
        (tmp_path / f"{row}.jpg").write_bytes(b"picture")
    chosen = choose_next(GRID, two(np.linspace(0.1, 0.9, 25)), count=4)
    rows = to_rows(chosen, paths=[f"{row}.jpg" for row in range(25)], classes=["busy", "free"])
    text = to_csv([row | {"label": name} for row, name in zip(rows, ["busy", "free", "free", "busy"], strict=True)])
    (tmp_path / "to_label.csv").write_text(text, encoding="utf-8")
    table = csv_format.read(tmp_path / "to_label.csv")
    assert table.arrow.column("path").to_pylist() == [row["path"] for row in rows]
    assert table.labels.tolist() == [0, 1, 1, 0]
