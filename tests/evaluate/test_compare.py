"""Comparisons of runs with known differences, and the runs that cannot be compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.compared import base_run, better, copy_run, rows
from tests.compared_dense import dense_run, masks
from vision_ft.errors import DataError
from vision_ft.evaluate.classification.predictions import read_predictions
from vision_ft.evaluate.comparing.read import name_runs
from vision_ft.evaluate.comparing.runs import compare_runs, cost_of
from vision_ft.evaluate.comparing.words import p_text, points
from vision_ft.files import write_json


@pytest.fixture
def base(tmp_path) -> Path:
    return base_run(tmp_path / "base").rename(tmp_path / "old")


def put_hashes(run: Path, hashes: list[str]) -> None:
    table = pq.read_table(run / "data.parquet")
    pq.write_table(table.append_column("hash", pa.array(hashes)), run / "data.parquet")


def test_the_verdict_names_the_better_run_with_its_difference_interval_and_p(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.8))
    result = compare_runs([base, new])
    pair = result["pairs"][0]
    right = [read_predictions(run / "predictions" / "test.parquet") for run in (base, new)]
    accuracies = [np.mean(made.predicted == made.targets) for made in right]
    assert pair["accuracy"]["value"] == pytest.approx(accuracies[1] - accuracies[0], abs=1e-6)
    assert pair["verdict"] == "better"
    assert result["ranking"] == [1, 0]
    assert re.fullmatch(
        r'"new" is better than "old" by \d+\.\d points of accuracy \(\d+\.\d to \d+\.\d\), p < 0\.001\.',
        result["sentence"],
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_other_way_round_the_run_is_worse_by_the_same_points(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.8))
    forth, back = compare_runs([base, new]), compare_runs([new, base])
    assert back["pairs"][0]["accuracy"]["value"] == -forth["pairs"][0]["accuracy"]["value"]
    assert back["pairs"][0]["verdict"] == "worse"
    assert '"old" is worse than "new" by' in back["sentence"]


def test_counts_of_both_right_lost_gained_and_both_wrong_add_up_and_match_mcnemar(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.5))
    pair = compare_runs([base, new])["pairs"][0]
    assert sum(pair["outcomes"].values()) == 240
    assert pair["outcomes"]["lost"] == pair["mcnemar"]["b"] == 0
    assert pair["outcomes"]["gained"] == pair["mcnemar"]["c"] == len(pair["gained"]) > 0
    assert {item["after"] == item["true"] != item["before"] for item in pair["gained"]} == {True}


def test_equal_answers_are_called_equal(base, tmp_path):
    result = compare_runs([base, copy_run(base, tmp_path / "new")])
    assert result["sentence"] == '"new" predicts the same as "old" for all 240 images.'
    assert result["pairs"][0]["confusion"] == []


def test_a_small_difference_is_not_called_one(base, tmp_path):
    result = compare_runs([base, copy_run(base, tmp_path / "new", better(0.05, seed=3))])
    assert 0 < result["pairs"][0]["accuracy"]["value"] < 0.02
    assert result["pairs"][0]["verdict"] == "unclear"
    assert result["sentence"].startswith('No difference is shown between "old" and "new": +')


def test_p_is_adjusted_when_several_runs_are_compared(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.25, seed=1))
    others = [copy_run(base, tmp_path / f"other{k}", better(0.05, seed=3)) for k in range(3)]
    alone, among = compare_runs([base, new]), compare_runs([base, new, *others])
    assert among["pairs"][0]["p_adjusted"] == pytest.approx(4 * alone["pairs"][0]["p_adjusted"], abs=1e-5)
    assert len(among["pairs"]) == 4
    assert (alone["pairs"][0]["verdict"], among["pairs"][0]["verdict"]) == ("better", "unclear")
    assert "after Holm" in among["pairs"][0]["sentence"]
    assert "after Holm" not in alone["sentence"]


def test_of_several_runs_the_best_is_named_and_each_is_judged_against_the_first(base, tmp_path):
    runs = [copy_run(base, tmp_path / name, better(share, seed=3)) for name, share in (("far", 0.9), ("near", 0.05))]
    result = compare_runs([base, *runs])
    assert re.fullmatch(
        r'"far" has the highest accuracy, 9\d\.\d%\. Compared with "old", "far" is better, for "near" no difference is '
        r"shown\.",
        result["sentence"],
    )
    assert [result["runs"][position]["name"] for position in result["ranking"]] == ["far", "near", "old"]


def test_rows_in_another_order_are_matched_by_path(base, tmp_path):
    shuffled = copy_run(base, tmp_path / "new", rows(np.random.default_rng(0).permutation(240)))
    assert compare_runs([base, shuffled])["pairs"][0]["other_answers"] == 0


def test_classes_in_another_order_are_matched_by_name(base, tmp_path):
    def reverse(old):
        return replace(
            old,
            classes=old.classes[::-1],
            targets=5 - old.targets,
            predicted=5 - old.predicted,
            scores=old.scores[:, ::-1],
        )

    assert compare_runs([base, copy_run(base, tmp_path / "new", reverse)])["pairs"][0]["other_answers"] == 0


def test_a_class_that_only_one_run_knows_is_said_and_counted(base, tmp_path):
    def extend(old):
        scores = np.column_stack([old.scores, np.zeros(len(old), np.float32)])
        predicted = np.where(np.arange(len(old)) < 5, 6, old.predicted)
        return replace(old, classes=(*old.classes, "Wren"), predicted=predicted, scores=scores)

    result = compare_runs([base, copy_run(base, tmp_path / "new", extend)])
    assert result["classes"][-1] == "Wren"
    assert result["notes"] == ['"old" does not know Wren.']
    assert any(cell[1] == 6 for cell in result["pairs"][0]["confusion"])


def test_the_changed_cells_are_the_difference_of_the_two_matrices(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.5))
    pair = compare_runs([base, new])["pairs"][0]
    matrices = np.zeros((2, 6, 6), int)
    for number, run in enumerate((base, new)):
        made = read_predictions(run / "predictions" / "test.parquet")
        np.add.at(matrices[number], (made.targets, made.predicted), 1)
    told = np.zeros((6, 6), int)
    for true, guess, before, after in pair["confusion"]:
        told[true, guess] = after - before
    assert (told == matrices[1] - matrices[0]).all()


def test_groups_are_listed_with_the_largest_loss_first(base, tmp_path):
    def lose_a_camera(old):
        wrong = np.where(old.groups == "camera 3", (old.targets + 1) % 6, old.predicted)
        return replace(old, predicted=wrong)

    result = compare_runs([base, copy_run(base, tmp_path / "new", lose_a_camera)])
    groups = result["pairs"][0]["groups"]
    assert groups[0]["group"] == "camera 3"
    assert groups[0]["after"] == 0
    assert [row["differs"] for row in groups] == [True] + [False] * 9
    assert sum(row["n"] for row in groups) == 240
    assert result["by_group"]


def test_a_loss_in_one_camera_alone_is_not_called_general(base, tmp_path):
    """Images of one group are alike: McNemar alone is sure of a loss that whole groups do not show."""

    def lose_a_camera(old):
        return replace(old, predicted=np.where(old.groups == "camera 3", (old.targets + 1) % 6, old.predicted))

    pair = compare_runs([base, copy_run(base, tmp_path / "new", lose_a_camera)])["pairs"][0]
    assert pair["p_adjusted"] < 0.001
    assert pair["accuracy"]["high"] == 0
    assert pair["verdict"] == "unclear"


def test_few_groups_are_warned_of(tmp_path):
    base = base_run(tmp_path / "a", groups=["north", "south"])
    result = compare_runs([base, copy_run(base, tmp_path / "b", better(0.5))])
    assert not result["by_group"]
    assert "The images come from 2 groups." in result["notes"][0]


def test_val_is_compared_and_said_where_a_run_has_no_test(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.5))
    (new / "predictions" / "test.parquet").unlink()
    result = compare_runs([base, new])
    assert result["split"] == "val"
    assert result["notes"][0].startswith("Not every run has test images, so val is compared.")


def test_unlabelled_pictures_are_left_out(base, tmp_path):
    def unlabel(old):
        return replace(old, targets=np.where(np.arange(len(old)) < 40, -1, old.targets))

    result = compare_runs([copy_run(base, tmp_path / "a", unlabel), copy_run(base, tmp_path / "b", unlabel)])
    assert (result["n"], result["unlabelled"]) == (200, 40)
    all_gone = [copy_run(base, tmp_path / name, lambda p: replace(p, targets=p.targets * 0 - 1)) for name in ("c", "d")]
    with pytest.raises(DataError, match=r'compare: none of the 240 images of "c" has a label'):
        compare_runs(all_gone)


def test_runs_tested_on_other_pictures_are_refused_with_numbers_and_an_example(base, tmp_path):
    fewer = copy_run(base, tmp_path / "fewer", rows(np.arange(228)))
    with pytest.raises(DataError) as error:
        compare_runs([base, fewer])
    lost = sorted(read_predictions(base / "predictions" / "test.parquet").paths[228:])[0]
    assert str(error.value) == (
        'compare: "old" and "fewer" were tested on different images: 12 of 240 only in "old" '
        f"(such as {lost}). Only predictions for the same images can be compared: train the runs on one table with a "
        "split column."
    )


def test_pictures_at_other_paths_are_matched_by_content(base, tmp_path):
    moved = copy_run(base, tmp_path / "moved", lambda old: rows(np.arange(240)[::-1])(old))
    hashes = [f"h{row}" for row in range(720)]
    put_hashes(base, hashes)
    put_hashes(moved, hashes)
    table = pq.read_table(moved / "data.parquet")
    paths = pa.array([f"elsewhere/{number}.jpg" for number in range(720)][::-1])
    pq.write_table(table.set_column(0, "path", paths), moved / "data.parquet")
    for split in ("test", "val"):
        file = moved / "predictions" / f"{split}.parquet"
        old = pq.read_table(file)
        own = pa.array([paths[row].as_py() for row in old.column("id").to_pylist()])
        pq.write_table(old.set_column(old.column_names.index("path"), "path", own), file)
    result = compare_runs([base, moved])
    assert result["pairs"][0]["other_answers"] == 0
    assert "matched by their content" in result["notes"][0]


def test_changed_pictures_under_the_same_name_are_refused(base, tmp_path):
    new = copy_run(base, tmp_path / "new")
    row = int(read_predictions(base / "predictions" / "test.parquet").ids[0])
    hashes = [f"h{k}" for k in range(720)]
    put_hashes(base, hashes)
    put_hashes(new, [*hashes[:row], "other", *hashes[row + 1 :]])
    with pytest.raises(DataError, match=r"1 of 240 images changed between .* although their names are the same"):
        compare_runs([base, new])


def test_changed_labels_are_refused(base, tmp_path):
    def relabel(old):
        return replace(old, targets=np.where(np.arange(len(old)) < 3, (old.targets + 1) % 6, old.targets))

    with pytest.raises(DataError, match=r'3 of 240 images carry another label in "new" than in "old" \(such as .*: '
                                        r'Blue Grosbeak in "old", Indigo Bunting in "new"\)'):  # fmt: skip
        compare_runs([base, copy_run(base, tmp_path / "new", relabel)])


def test_what_is_no_comparison_is_refused(base, tmp_path):
    with pytest.raises(DataError, match="needs at least two runs, got 1. Give two or more run folders"):
        compare_runs([base])
    with pytest.raises(DataError, match="is given more than once"):
        compare_runs([base, base.parent / "old"])
    with pytest.raises(DataError, match=r"no predictions/test.parquet or predictions/val.parquet, so this is no fin"):
        compare_runs([base, tmp_path])
    other_task = copy_run(base, tmp_path / "several")
    dense = dense_run(tmp_path / "dense", masks())
    with pytest.raises(DataError, match='is a run of classification, "dense" of segmentation. Give runs of one task'):
        compare_runs([other_task, dense])
    no_test, no_val = copy_run(base, tmp_path / "a"), copy_run(base, tmp_path / "b")
    (no_test / "predictions" / "test.parquet").unlink()
    (no_val / "predictions" / "val.parquet").unlink()
    with pytest.raises(DataError, match="has no test images, and not all runs have val images"):
        compare_runs([no_test, no_val])


def test_the_runs_are_not_touched(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.5))
    before = {file: file.read_bytes() for run in (base, new) for file in run.rglob("*") if file.is_file()}
    compare_runs([base, new])
    assert before == {file: file.read_bytes() for run in (base, new) for file in run.rglob("*") if file.is_file()}


def test_the_cost_counts_every_group_that_any_phase_trained_once():
    plan = {
        "groups": [
            {"name": "stem", "parameters": 7}, {"name": "stage1", "parameters": 20}, {"name": "head", "parameters": 3},
        ],
        "phases": [{"groups": {"head": 1.0}}, {"groups": {"stage1": 1.0, "head": 1.0}}],
    }  # fmt: skip
    environment = {"seconds": {"data": 1.0, "training": 5.0}, "peak_memory_mb": {"process": 900.5, "device": None}}
    assert cost_of(plan, environment) == {
        "trained_parameters": 23, "training_seconds": 5.0, "seconds": 6.0, "memory_mb": 900.5, "device_memory_mb": None,
    }  # fmt: skip
    assert set(cost_of({}, {}).values()) == {None}


def test_damaged_side_files_cost_only_the_costs(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.5))
    (new / "plan.json").write_text("{", encoding="utf-8")
    (new / "data.parquet").write_bytes(b"nothing")
    write_json(new / "environment.json", ["a list"])
    result = compare_runs([base, new])
    assert set(result["runs"][1]["cost"].values()) == {None}


def test_runs_of_different_machines_are_warned_of(base, tmp_path):
    new = copy_run(base, tmp_path / "new", better(0.5))
    write_json(new / "environment.json", {"platform": "another", "cores": 64})
    assert "different machines: their seconds do not compare" in compare_runs([base, new])["notes"][0]


def test_runs_are_named_by_what_tells_them_apart():
    assert name_runs([Path("/x/lot-a"), Path("/x/lot-b")]) == ["lot-a", "lot-b"]
    assert name_runs([Path("/x/monday/run"), Path("/x/tuesday/run")]) == ["monday", "tuesday"]
    assert name_runs([Path("/x/run"), Path("/y/run"), Path("/y/other")]) == ["x/run", "y/run", "y/other"]


def test_numbers_in_words():
    assert points(0.0213) == "2.1"
    assert points(-0.0001) == "0.0"
    assert p_text(0.00049) == "p < 0.001"
    assert p_text(0.0123) == "p = 0.012"
