"""Reading a run folder: whole, partly missing, damaged."""

from __future__ import annotations

import numpy as np
import pytest

from tests.report.fake_run import HOSTILE, NAMES, make_run
from vision_ft.errors import DataError
from vision_ft.reporting.collect.run import collect_predictions, collect_run


def test_a_whole_run_is_read_with_test_first(tmp_path):
    run = collect_run(make_run(tmp_path))
    assert list(run.splits) == ["test", "val"]
    assert run.main.summary["n"] == 72
    assert run.counts == {"train": 72, "val": 72, "test": 72}
    assert run.classes == tuple(NAMES)
    assert len(run.log) == 8
    assert run.findings[2]["path"] == f"{HOSTILE}.jpg"
    assert set(run.main.properties) == {"brightness", "sharpness", "size", "aspect"}
    assert run.picture(run.main.predictions.paths[0]).is_file()
    assert run.problems == ()


def test_mistakes_come_most_confident_first(tmp_path):
    split = collect_run(make_run(tmp_path)).main
    confidence = split.confidence[split.mistakes]
    assert (np.diff(confidence) <= 0).all()
    assert (split.predictions.targets[split.mistakes] != split.predictions.predicted[split.mistakes]).all()


def test_predictions_alone_are_enough(tmp_path):
    run_dir = make_run(tmp_path, splits=("val",))
    for file in run_dir.iterdir():
        if file.is_file():
            file.unlink()
    run = collect_run(run_dir)
    assert list(run.splits) == ["val"]
    assert (run.log, run.plan, run.findings, run.counts) == ((), {}, (), {})


def test_damaged_side_files_are_named_and_do_not_stop_the_report(tmp_path):
    run_dir = make_run(tmp_path)
    (run_dir / "plan.json").write_text("{")
    (run_dir / "log.jsonl").write_text('{"epoch": 1}\n{"epo')
    (run_dir / "data.parquet").write_bytes(b"PAR1")
    run = collect_run(run_dir)
    assert len(run.log) == 1
    assert any("log.jsonl line 2" in problem for problem in run.problems)
    assert any("plan.json" in problem for problem in run.problems)
    assert any("data.parquet" in problem for problem in run.problems)


def test_a_folder_without_predictions_is_refused_with_what_to_give(tmp_path):
    with pytest.raises(DataError, match="no finished run. Give a run folder, or a predictions file"):
        collect_run(tmp_path)


def test_moved_pictures_are_found_below_the_given_root(tmp_path):
    run_dir = make_run(tmp_path)
    (tmp_path / "pictures").rename(tmp_path / "moved")
    run = collect_run(run_dir, data_root=tmp_path / "moved")
    assert run.picture(run.main.predictions.paths[0]).is_file()


def test_predictions_without_a_row_are_refused(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("path,target,predicted\n")
    with pytest.raises(DataError, match="holds no row"):
        collect_predictions(file)
