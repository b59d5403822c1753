"""The audit: what it finds in single images and in the set, what is refused or dropped, and that it is remembered."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision_ft.data.audit import scan as audit_scan
from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.formats import FORMATS
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace, Finding


def photo(seed: int, side: int = 48) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 255, (7, 7, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def put(root: Path, path: str, image: Image.Image, **options: object) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    image.save(root / path, **options)
    return root / path


def read(root: Path) -> SampleTable:
    return FORMATS["imagefolder"](root)


def kinds(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(one.level, one.kind, one.path) for one in findings}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for number in range(4):
        put(root, f"cat/{number}.png", photo(number))
        put(root, f"dog/{number}.png", photo(100 + number))
    return root


def test_a_clean_folder_has_no_findings_and_all_measures(folder: Path) -> None:
    table, findings = scan(read(folder), quick=False)
    assert findings == []
    assert check(table) == []
    assert table.arrow.column("width").to_pylist() == [48] * 8
    brightness = np.asarray(photo(0).convert("L"), dtype=float).mean() / 255
    assert table.arrow.column("brightness")[0].as_py() == pytest.approx(brightness, abs=0.01)
    assert len(set(table.arrow.column("hash").to_pylist())) == 8
    assert [len(text) for text in table.arrow.column("phash").to_pylist()] == [16] * 8
    assert table.arrow.column("cluster").null_count == 8


def test_a_blurred_picture_is_less_sharp(folder: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
    put(folder, "cat/sharp.png", noise)
    put(folder, "cat/soft.png", noise.resize((16, 16), Image.Resampling.BOX).resize((64, 64), Image.Resampling.BICUBIC))
    table, _ = scan(read(folder))
    sharpness = dict(zip(table.arrow["path"].to_pylist(), table.arrow["sharpness"].to_pylist(), strict=True))
    assert sharpness["cat/sharp.png"] > 10 * sharpness["cat/soft.png"] > 0


def test_odd_pictures_are_named_by_kind(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    put(folder, "cat/turned.jpg", photo(20), exif=exif)
    put(folder, "cat/print.jpg", photo(21).convert("CMYK"))
    put(folder, "cat/index.png", photo(22).quantize(16))
    put(folder, "cat/moving.gif", photo(23), save_all=True, append_images=[photo(24)])
    put(folder, "cat/deep.png", Image.fromarray(np.arange(48 * 48, dtype=np.uint16).reshape(48, 48) * 28))
    put(folder, "cat/black.png", Image.new("RGB", (48, 48)))
    put(folder, "cat/dot.png", photo(25, side=4))
    put(folder, "cat/really.png", photo(26)).rename(folder / "cat" / "claims.jpg")
    (folder / "dog" / "empty.jpg").touch()
    (folder / "dog" / "text.png").write_text("hello")
    cut = put(folder, "dog/cut.jpg", photo(27, side=200))
    cut.write_bytes(cut.read_bytes()[:-300])
    _, findings = scan(read(folder))
    assert kinds(findings) == {
        ("info", "exif-rotated", "cat/turned.jpg"),
        ("info", "cmyk", "cat/print.jpg"),
        ("info", "palette", "cat/index.png"),
        ("info", "palette", "cat/moving.gif"),
        ("warning", "animated", "cat/moving.gif"),
        ("info", "16-bit", "cat/deep.png"),
        ("warning", "one-colour", "cat/black.png"),
        ("warning", "tiny", "cat/dot.png"),
        ("warning", "wrong-extension", "cat/claims.jpg"),
        ("error", "empty-file", "dog/empty.jpg"),
        ("error", "not-a-picture", "dog/text.png"),
        ("error", "truncated", "dog/cut.jpg"),
    }


def test_fail_lists_the_first_ten_and_the_way_out_and_drop_leaves_them_out(folder: Path) -> None:
    for number in range(12):
        (folder / "cat" / f"empty{number:02d}.png").touch()
    table, findings = scan(read(folder))
    with pytest.raises(DataError) as caught:
        apply_policy(table, findings, "fail")
    message = str(caught.value)
    assert "12 of 20 images cannot be trained on:" in message
    assert "\n  cat/empty09.png: empty-file: the file is empty (0 bytes)" in message
    assert "cat/empty10.png" not in message
    assert "\n  and 2 more\n" in message
    assert message.endswith("leave them out with data.on_bad=drop.")
    kept = apply_policy(table, findings, "drop")
    assert sorted(kept.arrow["path"].to_pylist()) == [f"{name}/{n}.png" for name in ("cat", "dog") for n in range(4)]
    assert (folder / "cat" / "empty00.png").exists()


def test_dropping_every_picture_of_a_class_or_of_the_set_is_refused(folder: Path) -> None:
    for number in range(4):
        (folder / "dog" / f"{number}.png").write_bytes(b"")
    put(folder, "fox/1.png", photo(200))
    table, findings = scan(read(folder))
    table = apply_policy(table, findings, "drop")
    with pytest.raises(DataError, match=r"empty-class: no usable images of \['dog'\]"):
        apply_policy(table, check(table), "drop")
    errors = [Finding("error", "corrupt", path, "x") for path in read(folder).arrow["path"].to_pylist()]
    with pytest.raises(DataError, match="all 9 images have errors"):
        apply_policy(read(folder), errors, "drop")


def test_one_content_under_two_labels_is_an_error_on_both(folder: Path) -> None:
    put(folder, "dog/twin.png", photo(0))
    table, _ = scan(read(folder))
    found = check(table)
    assert kinds(found) == {("error", "label-conflict", "cat/0.png"), ("error", "label-conflict", "dog/twin.png")}
    assert found[0].detail == "labelled 'cat', but dog/twin.png has the same content, labelled 'dog'."
    assert len(apply_policy(table, found, "drop")) == 7


def test_an_exact_duplicate_in_one_class_is_a_warning(folder: Path) -> None:
    put(folder, "cat/copy.png", photo(0))
    table, _ = scan(read(folder))
    assert kinds(check(table)) == {("warning", "exact-duplicate", "cat/copy.png")}


@pytest.fixture
def split_folder(tmp_path: Path) -> Path:
    root = tmp_path / "split"
    for offset, (split, number) in enumerate([("train", 6), ("val", 3), ("test", 3)]):
        for index in range(number):
            put(root, f"{split}/cat/{index}.png", photo(1000 * offset + index))
            put(root, f"{split}/dog/{index}.png", photo(1000 * offset + 500 + index))
    return root


def test_given_splits_without_a_fault_are_clean(split_folder: Path) -> None:
    table, findings = scan(read(split_folder))
    assert [*findings, *check(assign(table))] == []


def test_an_exact_duplicate_across_given_splits_is_an_error_and_drop_removes_the_training_copy(
    split_folder: Path,
) -> None:
    put(split_folder, "train/cat/leak.png", photo(2000))  # = test/cat/0.png
    table, _ = scan(read(split_folder))
    found = check(table)
    assert kinds(found) == {("error", "leak", "train/cat/leak.png")}
    assert found[0].detail == "in train, but test/cat/0.png in test has the same content."
    kept = apply_policy(table, found, "drop")
    assert check(kept) == []
    assert len(kept.rows("test")) == 6


def test_a_near_duplicate_across_given_splits_is_a_warning_and_within_one_is_listed(split_folder: Path) -> None:
    put(split_folder, "val/cat/near.jpg", photo(0, side=90))  # train/cat/0.png
    put(split_folder, "train/dog/near.jpg", photo(500, side=90))  # train/dog/0.png
    table, _ = scan(read(split_folder))
    found = check(table)
    assert kinds(found) == {
        ("warning", "near-duplicate", "val/cat/near.jpg"),
        ("info", "near-duplicate", "train/dog/near.jpg"),
    }
    details = {one.path: one.detail for one in found}
    assert details["val/cat/near.jpg"] == "in val, nearly the same as train/cat/0.png in train."


def test_a_heap_of_equal_pictures_is_checked_in_a_moment() -> None:
    num = 30_000  # a frozen camera; comparing all with all would take minutes
    table = table_of(["a", "b"] + ["a"] * num, splits=["train"] * num + ["val", "val"])
    table = table.with_column("hash", [f"{i % 7}" for i in range(num + 2)])
    table = table.with_column("cluster", [0] * (num + 2))
    start = time.perf_counter()
    found = check(table)
    assert len(found) > num
    assert time.perf_counter() - start < 20  # 0.6 s


def test_near_duplicates_under_two_labels_are_a_warning(folder: Path) -> None:
    put(folder, "dog/near.jpg", photo(0, side=90))  # cat/0.png
    table, _ = scan(read(folder))
    found = check(table)
    assert kinds(found) == {("warning", "near-label-conflict", "dog/near.jpg")}
    assert found[0].detail == "labelled 'dog', but nearly the same as cat/0.png, labelled 'cat'."


def test_near_duplicates_are_kept_on_one_side_of_our_own_split(folder: Path) -> None:
    for number in range(4):
        put(folder, f"cat/{number}-again.jpg", photo(number, side=70))
    scanned, _ = scan(read(folder))
    for seed in range(10):
        table = assign(scanned, val=0.3, test=0, seed=seed)
        split_of = dict(zip(table.arrow["path"].to_pylist(), table.splits, strict=True))
        for number in range(4):
            assert split_of[f"cat/{number}.png"] == split_of[f"cat/{number}-again.jpg"]
        assert not [one for one in check(table) if one.level != "info"]


def test_val_that_equals_test_is_said_once(split_folder: Path) -> None:
    for file in (split_folder / "val").rglob("*.png"):
        (split_folder / "test" / file.relative_to(split_folder / "val")).write_bytes(file.read_bytes())
    table, _ = scan(read(split_folder))
    found = [one for one in check(table) if one.kind != "exact-duplicate"]
    assert kinds(found) == {("warning", "val-equals-test", "")}


def test_a_mirrored_copy_is_found_by_the_full_audit_only(split_folder: Path) -> None:
    put(split_folder, "val/cat/flip.png", photo(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert scan(read(split_folder), quick=True)[1] == []
    _, findings = scan(read(split_folder), quick=False)
    assert kinds(findings) == {("warning", "mirrored", "val/cat/flip.png")}
    assert findings[0].detail == "looks like train/cat/0.png mirrored left to right."


def table_of(labels: list[str], *, splits: list[str | None] | None = None, **columns: object) -> SampleTable:
    names = sorted(set(labels))
    ids = [names.index(label) for label in labels]
    paths = [f"{i}.jpg" for i in range(len(labels))]
    return SampleTable.build(
        root=Path("/d"), paths=paths, labels=ids, classes=ClassSpace(tuple(names)), splits=splits, **columns
    )


LACKS = "class-missing-in-split"
SET_FAULTS: list[tuple[str, str | None, str, str, str]] = [  # one letter a split: t train, v val
    ("cat cat cat cat", None, "error", "one-class", "need at least two classes with images, got ['cat']"),
    ("cat cat fox", None, "warning", "one-picture-class", "one image only of ['fox']"),
    ("Cat Cat cat cat", None, "warning", "case-twins", "['Cat', 'cat'] differ in upper and lower case only"),
    ("é é e\u0301 e\u0301", None, "warning", "unicode-twins", r"'e\u0301', '\xe9' differ in the Unicode form"),
    ("1 2 10 1 2 10", None, "info", "class-order", "['1', '10', '2']"),
    ("a " * 30 + "b b b", None, "warning", "imbalance", "'a' has 30 training images, 'b' has 3: 10 times"),
    ("a b a a b a", "ttvttv", "warning", LACKS, "val has no image of ['b']: nothing is measured"),
    ("a b c a b c", "tvtvvv", "error", LACKS, "train has no image of ['b'], which can then not be learnt"),
]


@pytest.mark.parametrize(("labels", "splits", "level", "kind", "words"), SET_FAULTS)
def test_faults_of_the_class_list(labels: str, splits: str | None, level: str, kind: str, words: str) -> None:
    given = [{"t": "train", "v": "val"}[letter] for letter in splits] if splits else None
    found = check(table_of(labels.split(), splits=given))
    assert [(one.level, one.kind, one.path) for one in found] == [(level, kind, "")]
    assert words in found[0].detail


def test_a_group_that_given_splits_tear_apart_is_said() -> None:
    table = table_of(
        ["a", "b"] * 4, splits=["train"] * 4 + ["val"] * 4, groups=["x", "x", "y", "y", "y", "y", "z", "z"]
    )
    found = check(table)
    assert [(one.level, one.kind, one.detail) for one in found] == [
        ("warning", "group-leak", "1 of 3 groups are in more than one split: ['y'].")
    ]


def test_a_second_scan_decodes_only_what_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = scan(read(folder), workers=2)
    examined: list[str] = []
    examine = audit_scan.examine
    monkeypatch.setattr(audit_scan, "examine", lambda path, **kw: examined.append(path.name) or examine(path, **kw))
    second, _ = scan(read(folder), workers=2)
    assert examined == []
    assert second.arrow.equals(first.arrow)
    put(folder, "cat/2.png", photo(77))
    put(folder, "cat/9.png", photo(78))
    third, _ = scan(read(folder), workers=2)
    assert sorted(examined) == ["2.png", "9.png"]
    assert third.fingerprint() != first.fingerprint()


def test_a_damaged_or_unwritable_cache_costs_only_time(folder: Path, tmp_path: Path) -> None:
    first, _ = scan(read(folder))
    (stored,) = (tmp_path / "cache" / "audit").iterdir()
    stored.write_bytes(b"junk")
    assert scan(read(folder))[0].arrow.equals(first.arrow)


def test_the_source_folder_is_not_written_to_and_odd_names_pass(folder: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder / "cat") + b"/caf\xe9.png"))
    photo(300).save(odd)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    table, findings = scan(read(folder), quick=False)
    assert findings == []
    assert "cat/caf\\xe9.png" in table.arrow["path"].to_pylist()
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_birds_have_no_duplicates_and_office_objects_have_byte_copies(shared: Path) -> None:
    table, findings = scan(read(shared / "data" / "birds_cub20"), workers=2)
    assert [*findings, *check(assign(table))] == []
    office = FORMATS["imagefolder"](shared / "data" / "office_cameras", group_pattern="{camera}/{label}/*")
    table, _ = scan(office, workers=2)
    found = check(table)
    assert len([one for one in found if one.kind == "exact-duplicate"]) == 25
    assert {one.level for one in found} == {"warning", "info"}
