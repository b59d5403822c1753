"""Feeds of models with several labels per region: a set of labels, or a class in each of several columns."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tests.feed.feeds import draw_lot, square_regions, write_video
from vision_ft.feed.chart import draw_occupancy
from vision_ft.feed.draw import draw_frame
from vision_ft.feed.job import FeedResult, run_feed
from vision_ft.feed.smooth import ColumnSmoother, LabelSmoother, Smoother
from vision_ft.feed.source import open_feed
from vision_ft.feed.states import ColumnStates, LabelSets
from vision_ft.feed.watch import watch_feed
from vision_ft.types import LabelColumn

SETS = LabelSets(("bright", "any light"), np.array([0.5, 0.2]))
COLUMNS = ColumnStates(
    (LabelColumn("use", ("busy", "free")), LabelColumn("light", ("none", "dim", "full"))),
    ("use=busy", "use=free", "light=none", "light=dim", "light=full"),
)


def light_of(pictures) -> np.ndarray:
    return np.array([picture.mean() / 255 for picture in pictures])


def sets_by_light(pictures) -> np.ndarray:
    """(N, 2): both probabilities are the brightness: 0.24 of an empty place, 0.98 of a taken one."""
    return np.repeat(light_of(pictures)[:, None], 2, axis=1)


def columns_by_light(pictures) -> np.ndarray:
    light = light_of(pictures)[:, None]
    return np.hstack([light, 1 - light, 0 * light, 1 - light, light])


@pytest.fixture
def clip(tmp_path):
    """Three seconds: a comes after one, b flashes once at two seconds."""
    lots = [draw_lot("" if n < 10 else "ab" if n == 20 else "a") for n in range(30)]
    return write_video(tmp_path / "clip.mp4", lots)


def work(clip, out, states, classify, **options) -> FeedResult:
    every = options.pop("every", "1s")
    settings = {"smooth": 1, "regions": square_regions()} | options
    return run_feed(open_feed(clip, every=every), out, classify=classify, states=states, **settings)


def read(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_sets_of_labels_are_written_a_line_per_region(tmp_path, clip):
    result = work(clip, tmp_path / "o", SETS, sets_by_light)
    rows = read(result.table)
    assert list(rows[0]) == ["time_s", "time", "space", "labels", "raw_labels", "score_bright", "score_any light"]
    assert [(row["time_s"], row["space"]) for row in rows if row["labels"] == "bright;any light"] == [
        ("1.000", "a"), ("2.000", "a"), ("2.000", "b"),
    ]  # fmt: skip
    assert {row["labels"] for row in rows} == {"bright;any light", "any light"}
    assert all(row["labels"] == row["raw_labels"] for row in rows)
    counts = read(tmp_path / "o" / "occupancy.csv")
    assert [(row["bright"], row["any light"]) for row in counts] == [("0", "3"), ("1", "3"), ("2", "3")]
    assert result.counts == {"bright": 2, "any light": 3}
    assert (result.changes, result.regions) == (2, 3)


def test_columns_are_written_a_line_per_region_and_column(tmp_path, clip):
    result = work(clip, tmp_path / "o", COLUMNS, columns_by_light)
    rows = read(result.table)
    assert list(rows[0]) == ["time_s", "time", "space", "column", "state", "score", "raw_state"]
    assert len(rows) == 3 * 3 * 2
    assert [(row["column"], row["state"]) for row in rows[:2]] == [("use", "free"), ("light", "dim")]
    last_of_b = [row for row in rows if row["space"] == "b"][-2:]
    assert [(row["column"], row["state"]) for row in last_of_b] == [("use", "busy"), ("light", "full")]
    assert all(0.7 < float(row["score"]) <= 1 for row in rows)
    assert result.counts == {"use=busy": 2, "use=free": 1, "light=none": 0, "light=dim": 1, "light=full": 2}
    assert result.changes == 4, "a and b change once in each of two columns"
    header = (tmp_path / "o" / "occupancy.csv").read_text().splitlines()[0]
    assert header == "time_s,time,use=busy,use=free,light=none,light=dim,light=full"


@pytest.mark.parametrize(("states", "classify", "changes"), [
    (SETS, sets_by_light, (1, 3)), (COLUMNS, columns_by_light, (2, 6)),
])  # fmt: skip
def test_smoothing_takes_out_the_flash_in_each_label_and_column(tmp_path, clip, states, classify, changes):
    result = work(clip, tmp_path / "o", states, classify, every="100ms", smooth=3, annotate=True)
    assert (result.changes, result.raw_changes) == changes
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == [
        "annotated.jpg", "annotated.mp4", "occupancy.csv", "occupancy.png", "states.csv",
    ]  # fmt: skip


def test_columns_are_smoothed_as_each_would_be_by_itself():
    rng = np.random.default_rng(0)
    both, first, second = ColumnSmoother([2, 3], 3, interval_s=1.0), *(Smoother(3, interval_s=1.0) for _ in range(2))
    for moment in range(20):
        scores = rng.dirichlet(np.ones(2), 4), rng.dirichlet(np.ones(3), 4)
        states, means = both.update(moment, np.hstack(scores))
        own = [one.update(moment, part) for one, part in zip((first, second), scores, strict=True)]
        assert states.T.tolist() == [found[0].tolist() for found in own]
        assert means.T.tolist() == [found[1].tolist() for found in own]


def labels_over_time(values: list[float], window: int, *, threshold: float = 0.5, step_s: float = 1.0) -> list[bool]:
    smoother = LabelSmoother(np.array([threshold]), window, interval_s=1.0)
    return [bool(smoother.update(number * step_s, np.array([[p]]))[0][0, 0]) for number, p in enumerate(values)]


def test_a_label_with_a_threshold_of_one_half_is_smoothed_as_two_states_are():
    values = np.random.default_rng(1).random(200).round(2).tolist()
    smoother = Smoother(3, interval_s=1.0)
    expected = [int(smoother.update(number, np.array([[1 - p, p]]))[0][0]) for number, p in enumerate(values)]
    assert labels_over_time(values, 3) == [bool(state) for state in expected]
    assert 0 < sum(expected) < len(expected)


def test_a_label_comes_and_goes_around_its_own_threshold():
    assert labels_over_time([0.0, 0.15, 0.15, 0.3, 0.3], 2, threshold=0.1) == [False, False, False, False, True]
    assert labels_over_time([0.9, 0.09, 0.09, 0.09, 0.05], 2, threshold=0.1) == [True, True, True, True, False]
    assert labels_over_time([0.0, 1.0, 1.0], 2, threshold=1.0) == [False, False, True]
    assert labels_over_time([0.0, 0.0], 2, threshold=0.0) == [True, True]


def test_a_window_of_one_leaves_each_label_as_the_frame_shows_it():
    assert labels_over_time([0.5, 0.49, 0.5, 0.1], 1) == [True, False, True, False]


def test_after_a_silence_the_past_of_a_label_is_forgotten():
    assert labels_over_time([0.0, 0.0, 1.0], 3, step_s=3.0) == [False, False, False]
    assert labels_over_time([0.0, 0.0, 1.0], 3, step_s=3.5) == [False, False, True]


def test_a_region_without_labels_is_drawn_grey_and_others_in_the_colour_of_their_first(clip):
    none = LabelSets(("bright", "dazzling"), np.array([0.5, 1.0]))
    feed = open_feed(clip, every="2s")
    *_, seen = watch_feed(feed, classify=sets_by_light, states=none, regions=square_regions(), window=1)
    drawn = draw_frame(seen, none)
    red, green, blue = drawn.getpixel((18, 55))  # inside c, whose frame is grey
    assert max(red, green, blue) - min(red, green, blue) < 8
    red, _, blue = drawn.getpixel((10, 26))  # inside a, white in the frame
    assert blue > red + 5, "the first of the other colours is blue"


def test_the_chart_has_a_panel_per_column_and_lines_for_labels():
    counts = np.array([[1, 2, 0, 3, 0], [2, 1, 0, 2, 1]])
    figure = draw_occupancy([0, 1], counts, panels=COLUMNS.panels, interval_s=1.0)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["use", "light"]
    texts = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    assert texts == [["busy (now 2)", "free (now 1)"], ["none (now 0)", "dim (now 2)", "full (now 1)"]]
    lines = draw_occupancy([0, 1], counts[:, :2], panels=SETS.panels, interval_s=1.0).axes[0]
    assert len(lines.collections) == 0
    assert [line.get_ydata().tolist() for line in lines.lines] == [[1, 2, 2], [2, 1, 1]]


def test_of_many_labels_the_chart_shows_the_most_frequent_and_adds_none_up():
    many = LabelSets([f"k{n}" for n in range(12)], np.full(12, 0.5))
    counts = np.tile(np.arange(12), (2, 1))
    (axes,) = draw_occupancy([0, 1], counts, panels=many.panels, interval_s=1.0).axes
    assert [line.get_label() for line in axes.lines] == [f"k{n} (now {n})" for n in range(4, 12)]
