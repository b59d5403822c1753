"""Labels: how many are used, which are new or missing, none at all, and which to make next."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

from tests.cameras import adapt_tiny, camera_of, candidate, draw_camera, findings_of, paths_of, table_of, weights_of
from vision_ft.models.folder import load_model


def labelled_in_use(run):
    table = table_of(run.path)
    return {split: paths_of(table, camera="new", split=split) for split in ("train", "val", "test")}


def test_a_budget_of_labels_is_used_up_exactly_and_never_from_test(source, new, tmp_path):
    everything = labelled_in_use(adapt_tiny(source, new, tmp_path / "all"))
    smaller = set()
    for budget in (1, 7, 18):
        run = adapt_tiny(source, new, tmp_path / f"run{budget}", labels=budget)
        used = labelled_in_use(run)
        labels = run.outcome["labels"]
        assert len(used["train"]) + len(used["val"]) == labels["train"] + labels["val"] == budget == labels["budget"]
        assert len(used["train"]) >= 1
        assert used["test"] == everything["test"], "all are measured on the same images"
        assert used["train"] <= everything["train"]
        assert used["val"] <= everything["val"]
        assert smaller <= used["train"] | used["val"], "a larger budget holds the smaller one"
        smaller = used["train"] | used["val"]
        assert run.outcome["new"]["unused"] == 36 - len(used["test"]) - budget


def test_a_budget_that_is_larger_than_what_is_labelled_takes_all_and_says_so(source, new, tmp_path):
    run = adapt_tiny(source, new, tmp_path / "run", labels=500)
    used = labelled_in_use(run)
    assert len(used["train"]) + len(used["val"]) == 36 - len(used["test"])
    assert "500 labels were asked for" in findings_of(run.path)


def test_labels_outside_the_budget_teach_nothing(source, new, tmp_path):
    run = adapt_tiny(source, new, tmp_path / "run", labels=6)
    table = table_of(run.path)
    spare = paths_of(table, camera="new", split=None)
    rows = {table.path(row): row for row in range(len(table))}
    lines = ["path,label,split"]
    for file in sorted(new.rglob("*.png")):
        label = "" if file in spare else file.parent.name
        lines.append(f"{file.relative_to(new)},{label},{table.splits[rows[file]] or 'train'}")
    (tmp_path / "partly.csv").write_text("\n".join(lines))
    partly = adapt_tiny(source, tmp_path / "partly.csv", tmp_path / "partly", data__root=str(new))
    assert len(spare) > 20
    assert partly.outcome["new"]["labelled"] == 36 - len(spare)
    assert weights_of(partly.path / "candidates" / "head") == weights_of(run.path / "candidates" / "head")


def test_a_new_class_extends_the_head_by_name_and_is_measured(source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=3, classes=("amber", "crimson", "green"), per_class=14)
    run = adapt_tiny(source, new, tmp_path / "run", max_forgetting=0.3)
    classes = run.outcome["classes"]
    assert classes["all"] == ["amber", "blue", "crimson", "green"], "the known ones keep their place"
    assert (classes["added"], classes["absent_on_new"]) == (["green"], ["blue"])
    assert run.passed
    assert load_model(run.path / "model")[1].names == ("amber", "blue", "crimson", "green")
    rows = {row["class"]: row for row in run.metrics["splits"]["test"]["per_class"]}
    assert rows["green"]["recall"] == 1.0
    assert rows["blue"]["support"] > 0, "the class that NEW lacks is still measured on the old camera"
    assert candidate(run, "source")["test"]["new"]["accuracy"] < candidate(run, "head")["test"]["new"]["accuracy"]
    findings = findings_of(run.path)
    assert "the model learns the classes ['green']." in findings
    assert "the new camera has no image of ['blue']; the model keeps these classes." in findings


@pytest.mark.parametrize("kind", ["flat", "unlabelled", "csv"])
def test_pictures_without_labels_end_with_the_source_and_a_list_of_what_to_label(kind, source, new, tmp_path):
    folder = tmp_path / "new"
    below = folder / "unlabelled" if kind == "unlabelled" else folder
    below.mkdir(parents=True)
    for file in new.rglob("*.png"):
        shutil.copy(file, below / f"{file.parent.name[0]}{file.name}")
    given = folder
    if kind == "csv":
        given = tmp_path / "list.csv"
        given.write_text("path,label\n" + "".join(f"new/{file.name},\n" for file in sorted(folder.glob("*.png"))))
    run = adapt_tiny(source, given, tmp_path / "run", strategy=["batchnorm", "head", "full"], labels=10)
    outcome = run.outcome
    assert (run.recommended, outcome["decision"]["exit_code"]) == ("source", 3)
    assert "label" in outcome["decision"]["sentence"]
    assert candidate(run, "head")["reason"] == "no labelled image of the new camera to train on."
    assert candidate(run, "batchnorm")["status"] in ("done", "skipped")
    assert (outcome["new"]["labelled"], outcome["budget"], outcome["honest_split"]) == (0, None, None)
    assert outcome["classes"]["absent_on_new"] == []
    rows = list(csv.DictReader((run.path / "to_label.csv").read_text().splitlines()))
    assert len(rows) == 5
    root = tmp_path if kind == "csv" else folder
    assert all((root / row["path"]).is_file() and row["label"] == "" for row in rows)
    assert "36 of 36 images of the new camera have no label." in findings_of(run.path)


def test_the_list_of_what_to_label_can_be_filled_in_and_adapted_to(source, old, new, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    truth = {}
    for file in new.rglob("*.png"):
        name = f"{file.parent.name[0]}{file.name}"
        truth[name] = file.parent.name
        shutil.copy(file, folder / name)
    first = adapt_tiny(source, folder, tmp_path / "first", strategy="source", adapt__next_labels=18)
    to_label = first.path / "to_label.csv"
    rows = list(csv.DictReader(to_label.read_text().splitlines()))
    with to_label.open("w") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(row | {"label": truth[row["path"]]} for row in rows)
    second = adapt_tiny(source, to_label, tmp_path / "second", data__root=str(folder))
    assert second.outcome["new"]["labelled"] == 18
    assert candidate(second, "head")["status"] == "done"
    third = adapt_tiny(source, to_label, tmp_path / "third", data__root=str(folder), keep=str(old), labels=4)
    assert third.outcome["labels"] == {"budget": 4, "train": 3, "val": 1}


def test_pictures_with_and_without_labels_are_mixed(source, new, tmp_path):
    folder = tmp_path / "new"
    shutil.copytree(new, folder)
    (folder / "unlabeled").mkdir()
    for number, file in enumerate(sorted((folder / "blue").glob("*.png"))[:4]):
        file.rename(folder / "unlabeled" / f"{number}.png")
    run = adapt_tiny(source, folder, tmp_path / "run")
    assert (run.outcome["new"]["pictures"], run.outcome["new"]["labelled"]) == (36, 32)
    table = table_of(run.path)
    assert int(((camera_of(table) == "new") & (table.labels < 0)).sum()) == 4
    asked = {row["path"] for row in run.outcome["next_labels"]["rows"]}
    assert asked <= {table.relative_path(int(row)) for row in np.flatnonzero(table.labels < 0)}
    assert sum(candidate(run, "head")[split]["new"]["n"] for split in ("val", "test")) < 36 - 20
