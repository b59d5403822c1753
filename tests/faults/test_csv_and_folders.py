"""Broken CSV files and folders: every case of the corpus gets its expected answer, on the path that train takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.formats import FORMATS, detect
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import Finding

# The corpus states few words; these are ours for each error, so that the texts are tested.
WORDS = {
    "csv-dup_by_dot_slash": ["line 6", "images/001.jpg", "already listed on line 2"],
    "csv-quoted_newline": ["line 6", r"images/005\n.jpg", "no such file"],
    "csv-wrong_header": ["line 1", "'file_name', 'klass'", "data.path_column="],
    "csv-empty_label": ["line 6", "no label"],
    "csv-header_only": ["0 rows"],
    "csv-path_device": ["line 6", "/dev/zero", "leaves the data folder"],
    "csv-ragged": ["lines 6, 7", "expected 2 values"],
    "csv-missing_file": ["line 6", "images/nope.jpg", "1 of 5 files are missing", "data.on_bad=drop"],
    "csv-split_unknown": ["line 2", "'holdout'", "Known are train"],
    "csv-path_traversal": ["line 6", "etc/hostname", "leaves the data folder"],
    "csv-split_column_leak": ["line 3", "001.jpg", "leak between splits", "train there, val here"],
    "csv-nul_byte": ["NUL byte", "lines 3, 5"],
    "csv-one_class": ["need at least two classes", "cat"],
    "csv-dup_conflict": ["line 6", "001.jpg", "'cat' there, 'dog' here"],
    "csv-empty": ["the file is empty"],
    "csv-dup_header": ["line 1", "'label'", "written twice"],
    "folder-val_extra_class": ["'fox'", "which train lacks"],
    "folder-no_images": ["no images found", ".jpeg", ".png"],
    "folder-empty_class": ["'fox'", "no images in the class folders"],
}
WARNINGS = {
    "csv-label_case": ("case-twins", "['Cat', 'cat']"),
    "csv-label_nfd": ("unicode-twins", r"'e\u0301', '\xe9'"),
    "folder-val_missing_class": ("class-missing-in-split", "val has no image of ['dog']"),
    "folder-one_image_class": ("one-picture-class", "['fox']"),
    "folder-case_twins": ("case-twins", "['Cat', 'cat']"),
}
CASE_IDS = [*WORDS, *WARNINGS, "csv-ok", "csv-crlf", "csv-utf16", "csv-semicolon", "csv-label_html", "csv-label_10k"]
CASE_IDS += ["csv-path_backslash", "folder-ok", "folder-numeric_names", "folder-checkpoints_dir", "folder-leak_flip"]


@pytest.fixture(scope="module")
def corpus(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that a write into the source would be seen and do no harm."""
    source = shared / "faults" / "annotations"
    if not source.is_dir():
        pytest.skip(f"no broken annotations at {source}")
    target = tmp_path_factory.mktemp("faults") / "annotations"
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for folder in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    return target


def cases(corpus: Path) -> dict[str, dict]:
    listed = json.loads((corpus / "manifest.json").read_text())["cases"]
    return {case["id"]: case for case in listed if case["area"] in ("csv", "folder")}


def prepare(corpus: Path, case: dict) -> tuple[SampleTable, list[Finding]]:
    """Read, scan, split and check as train does."""
    path = corpus / case["files"][0]
    options = {"root": corpus} if case["area"] == "csv" else {}
    table = FORMATS[detect(path)](path, **options)
    scanned, findings = scan(table, workers=2)
    scanned = apply_policy(scanned, findings, "fail")
    scanned = assign(scanned, val=0.15 if len(table) > 4 else 0, test=0)
    found = check(scanned)
    return apply_policy(scanned, found, "fail"), [*table.remarks, *findings, *found]


def test_every_case_of_the_corpus_is_tested(corpus: Path) -> None:
    assert set(cases(corpus)) == set(CASE_IDS)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", CASE_IDS)
def test_each_case_gets_its_expected_answer(name: str, corpus: Path) -> None:
    case = cases(corpus)[name]
    try:
        _, findings = prepare(corpus, case)
        answer = "warn" if any(one.level == "warning" for one in findings) else "ok"
        message = " ".join(f"{one.kind} {one.path} {one.detail}" for one in findings)
    except DataError as err:
        answer, message, findings = "error", str(err), []
    if case["level"] == "error":
        assert answer == "error", message
        # how many classes there are is found late, when the set is known by its root
        assert Path(case["files"][0]).name in message or name == "csv-one_class"
    elif case["level"] == "warn":
        assert answer == "warn", message
        assert any((one.kind, True) == (WARNINGS[name][0], WARNINGS[name][1] in one.detail) for one in findings)
    elif case["level"] == "ok":
        assert answer in ("ok", "warn"), message
    for word in [*case["message_has"], *WORDS.get(name, [])]:
        assert word in message


@pytest.mark.parametrize("name", ["csv-ok", "csv-crlf", "csv-utf16", "csv-semicolon"])
def test_spellings_of_one_file_give_the_same_rows(name: str, corpus: Path) -> None:
    table, _ = prepare(corpus, cases(corpus)[name])
    assert table.arrow["path"].to_pylist() == [f"images/00{i}.jpg" for i in range(1, 5)]
    assert [table.classes.names[label] for label in table.labels] == ["cat", "dog", "cat", "dog"]


def test_ids_of_a_val_that_lacks_a_class_stay_those_of_train(corpus: Path) -> None:
    table, _ = prepare(corpus, cases(corpus)["folder-val_missing_class"])
    assert table.classes.names == ("cat", "dog")
    assert set(table.labels[table.rows("val")]) == {0}


def test_litter_is_ignored_and_listed(corpus: Path) -> None:
    table, findings = prepare(corpus, cases(corpus)["folder-checkpoints_dir"])
    assert table.classes.names == ("cat", "dog")
    assert len(table) == 10
    assert {one.path for one in findings if one.kind == "ignored-file"} == {
        "train/.ipynb_checkpoints",
        "train/__MACOSX",
        "train/cat/.DS_Store",
        "train/cat/notes.txt",
    }


def test_numbers_as_names_are_ordered_as_text_and_said(corpus: Path) -> None:
    table, findings = prepare(corpus, cases(corpus)["folder-numeric_names"])
    assert table.classes.names == ("1", "10", "2")
    assert [one.detail for one in findings if one.kind == "class-order"] == [
        "class names are text and ordered as text: ['1', '10', '2']."
    ]


def test_html_in_a_label_is_kept_as_text(corpus: Path) -> None:
    table, _ = prepare(corpus, cases(corpus)["csv-label_html"])
    assert table.classes.names == ("<b onmouseover=alert(1)>x</b>", "dog")


def test_missing_files_are_left_out_and_listed_on_request(corpus: Path) -> None:
    table = FORMATS["csv"](corpus / "csv" / "missing_file.csv", root=corpus, on_bad="drop")
    assert len(table) == 4
    assert [(one.level, one.kind, one.path, one.detail) for one in table.remarks] == [
        ("warning", "missing-file", "images/nope.jpg", "line 6: no such file, left out.")
    ]


def test_an_empty_class_is_left_out_and_listed_on_request(corpus: Path) -> None:
    table = FORMATS["imagefolder"](corpus / "folders" / "empty_class", on_bad="drop")
    assert table.classes.names == ("cat", "dog")
    assert ("warning", "empty-class") in [(one.level, one.kind) for one in table.remarks]


def test_nothing_was_written_into_the_source(corpus: Path, shared: Path) -> None:
    source = shared / "faults" / "annotations"
    assert sorted(path.relative_to(corpus) for path in corpus.rglob("*")) == sorted(
        path.relative_to(source) for path in source.rglob("*")
    )
