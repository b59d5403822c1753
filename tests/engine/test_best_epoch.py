"""Which epoch is kept as the best, and when patience ends a phase."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from vision_ft.engine.loop import _compare
from vision_ft.engine.run import Progress
from vision_ft.evaluate.curves import best_epoch

NAN = math.nan


def told(values: list[float], losses: list[float], *, patience: int | None = None) -> Progress:
    """Tell val's numbers epoch by epoch, until patience ends."""
    progress, kept = Progress(), []
    run = SimpleNamespace(
        progress=progress,
        settings=SimpleNamespace(metric="map", patience=patience),
        keep_best=lambda _weights: kept.append(progress.epoch),
        reporter=SimpleNamespace(say=lambda _text: None),
    )
    stage = SimpleNamespace(evaluated=lambda: SimpleNamespace(state_dict=dict))
    for value, loss in zip(values, losses, strict=True):
        progress.epoch += 1
        _compare(run, stage, {"map": value, "loss": loss})
        assert kept[-1] == progress.best_epoch
        if progress.stopped:
            break
    return progress


@pytest.mark.parametrize(
    ("values", "losses", "best"),
    [
        ([0.0, 0.0, 0.0], [NAN] * 3, 3),
        ([0.0, 0.2, 0.2], [NAN] * 3, 3),
        ([0.3, 0.2, 0.3, 0.1], [NAN] * 4, 3),
        ([NAN, NAN], [NAN] * 2, 2),
        ([0.5, 0.5, 0.5], [1.0, 0.8, 0.9], 2),
        ([0.5, 0.5], [1.0, 1.0], 2),
        ([0.5, 0.5], [1.0, NAN], 1),
    ],
)
def test_the_newest_of_equal_epochs_is_kept_and_the_log_says_the_same(values, losses, best):
    assert told(values, losses).best_epoch == best
    log = [{"val_map": value, "val_loss": loss} for value, loss in zip(values, losses, strict=True)]
    assert best_epoch(log, "val_map") == (None if math.isnan(values[0]) else best - 1)


def test_a_detector_that_finds_nothing_yet_is_not_stopped():
    progress = told([0.0] * 6 + [0.1], [NAN] * 7, patience=2)
    assert (progress.stopped, progress.best_epoch, progress.since_best) == (False, 7, 0)


def test_a_detector_that_stays_the_same_is_stopped_with_its_newest_weights():
    progress = told([0.1, 0.4, 0.4, 0.4, 0.9], [NAN] * 5, patience=2)
    assert (progress.stopped, progress.best_epoch, progress.epoch) == (True, 4, 4)
