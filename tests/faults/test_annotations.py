"""Broken COCO, VOC, YOLO and mask annotations: every case of the corpus gets its expected answer, as train would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.formats import FORMATS, detect
from vision_ft.errors import DataError
from vision_ft.types import Finding

# The corpus states few words; these are ours, so that the texts are tested.
WORDS = {
    "coco-rle_size_not_image": ["annotation 11", "the RLE mask is 10 x 10, the image 64 x 48"],
    "coco-category_unknown": ["annotation 12", "category_id 7 is unknown", "'1', '3'"],
    "coco-box_string": ["annotation 11", "expected numbers", "(str)"],
    "coco-seg_wrong_type": ["annotation 11", "expected outlines or an RLE mask"],
    "coco-box_partly_outside": ["1 boxes leave the image by up to 10 px; clipped"],
    "coco-dup_ann_id": ["1 annotation ids are used more than once: ['11']"],
    "coco-dup_image_file": ["listed under two ids"],
    "coco-image_id_absent": ["annotation 11", "has no image_id"],
    "coco-poly_2_points": ["an outline of 2 points is left out"],
    "coco-poly_odd": ["annotation 11", "expected pairs of numbers, got 7"],
    "coco-poly_empty": ["1 of 4 boxes have no outline"],
    "coco-rle_sum_short": ["annotation 11", "do not add up to 48 x 64"],
    "coco-path_traversal": ["image 1", "leaves the data root"],
    "coco-path_absolute": ["image 1", "leaves the data root"],
    "coco-deep_nesting": ["not JSON"],
    "coco-box_5_values": ["annotation 11", "expected 4 numbers, got 5"],
    "coco-top_list": ["the top level is a list"],
    "coco-truncated": ["not JSON, or cut", "char"],
    "coco-no_annotations": ["nothing-labelled", "nothing to learn"],
    "coco-box_inf": ["annotation 11", "inf is not a finite number"],
    "coco-dup_keys": ["annotations is written twice"],
    "coco-box_normalised": ["normalised?"],
    "coco-categories_absent": ["categories is missing"],
    "coco-size_mismatch": ["48 x 64 px, the file has 64 x 48", "EXIF"],
    "coco-ids_as_strings": ["image_id 1 is no image of the file", "of type str"],
    "coco-box_nan": ["annotation 11", "nan is not a finite number"],
    "yolo-yaml_traversal": ["data.yaml", "leaves the data folder"],
    "yolo-class_too_big": ["a.txt line 1", "class 5, but data.yaml names 0..1"],
    "yolo-coord_negative": ["a.txt line 1", "'-0.1'", "outside 0..1"],
    "yolo-yaml_train_is_val": ["2 images of val are also in train (leak)"],
    "yolo-yaml_download": ["download key is ignored, never run"],
    "yolo-segment_odd": ["a.txt line 1", "got 8 values"],
    "yolo-commas": ["separated by commas"],
    "yolo-coord_pixels": ["pixels? expected are fractions 0..1"],
    "yolo-nan": ["a.txt line 1", "'nan'"],
    "yolo-class_negative": ["class -1"],
    "yolo-yaml_nc_mismatch": ["nc is 3, but names has 2"],
    "yolo-orphan": ["1 label files have no image", "zzz.txt"],
    "yolo-yaml_names_gap": ["['0', '2']", "0..1 without a gap"],
    "yolo-dup_rows": ["1 boxes repeat another one"],
    "voc-no_name": ["object 1", "has no name"],
    "voc-filename_traversal": ["leaves the data folder"],
    "voc-negative": ["clipped"],
    "voc-xxe_http": ["DOCTYPE", "refused"],
    "voc-truncated": ["the XML is damaged", "line 1, column"],
    "voc-size_zero": ["states the size '0' x"],
    "voc-text_coord": ["object 1", "expected numbers"],
    "voc-empty_coord": ["object 1", "bndbox without"],
    "voc-swapped": ["box 1", "corners crossed"],
    "mask-rgb": ["the mask is coloured", "Give a colour table"],
    "mask-all_ignore": ["every pixel is ignored"],
    "mask-scaled_255": ["ignored pixels: are those the object"],
    "mask-jpeg": ["JPEG changes values", "PNG"],
}
FINE = ["coco-id_huge", "coco-utf16", "coco-ok", "yolo-mixed", "yolo-ok", "voc-utf16", "voc-no_size", "voc-no_object"]
FINE += ["voc-ok", "mask-ok", "mask-all_background", "mask-rgba", "mask-float", "mask-sixteen_bit"]
CASE_IDS = [*WORDS, *FINE]
AREAS = ("coco", "yolo", "voc", "mask")


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    folder = shared / "faults" / "annotations"
    if not folder.is_dir():
        pytest.skip(f"no broken annotations at {folder}")
    return folder


def cases(corpus: Path) -> dict[str, dict]:
    listed = json.loads((corpus / "manifest.json").read_text())["cases"]
    return {case["id"]: case for case in listed if case["area"] in AREAS}


def build_set(corpus: Path, case: dict, target: Path) -> Path:
    """Put a case into a data set of its format, with good neighbours where one file alone is none."""
    broken = corpus / case["files"][0]
    pictures = target / ("JPEGImages" if case["area"] == "voc" else "images")
    if case["area"] == "yolo":
        shutil.copytree(broken, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
        if case["id"] == "yolo-orphan":
            for name in ("images/b.jpg", "labels/b.txt"):
                shutil.copyfile(corpus / "yolo" / "ok" / name, target / name)
        return target
    pictures.mkdir(parents=True)
    for number in (1, 2, 3, 4):
        shutil.copyfile(corpus / "images" / f"00{number}.jpg", pictures / f"00{number}.jpg")
    if case["area"] == "coco":
        shutil.copyfile(broken, target / broken.name)
        return target / broken.name
    if case["area"] == "voc":
        (target / "Annotations").mkdir()
        shutil.copyfile(broken, target / "Annotations" / broken.name)
        good = (corpus / "voc" / "ok.xml").read_text().replace("001.jpg", "002.jpg")
        (target / "Annotations" / "002.xml").write_text(good)
        return target
    (target / "masks").mkdir()
    shutil.copyfile(broken, target / "masks" / f"001{broken.suffix}")
    if case["id"] != "mask-scaled_255":  # is told by the whole set
        shutil.copyfile(corpus / "masks" / "ok.png", target / "masks" / "002.png")
    for picture in pictures.iterdir():
        if not list((target / "masks").glob(f"{picture.stem}.*")):
            picture.unlink()
    (target / "classes.csv").write_text("name,value\na,0\nb,1\nc,2\nignore,255\n")
    return target


def prepare(path: Path) -> list[Finding]:
    table = FORMATS[detect(path)](path)
    scanned, findings = scan(table, workers=1)
    scanned = apply_policy(scanned, findings, "fail")
    found = check(scanned)
    apply_policy(scanned, found, "fail")
    return [*table.remarks, *findings, *found]


def test_every_case_of_the_corpus_is_tested(corpus: Path) -> None:
    assert set(cases(corpus)) == set(CASE_IDS)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", CASE_IDS)
def test_each_case_gets_its_expected_answer(
    name: str, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = cases(corpus)[name]
    target = tmp_path / "set"
    target.mkdir()
    path = build_set(corpus, case, target)
    before = sorted(tmp_path.rglob("*"))
    try:
        findings = [one for one in prepare(path) if one.kind not in ("exact-duplicate", "near-duplicate")]
        loud = [one for one in findings if one.level != "info" and one.kind not in ("unannotated", "empty-class")]
        answer = "warn" if loud else "ok"
        message = " ".join(f"{one.kind} {one.path} {one.detail}" for one in findings)
    except DataError as err:
        answer, message = "error", str(err)
    if case["level"] in ("error", "warn"):
        # of a list that is written twice the corpus allows a warning or an error; half of it would be lost
        assert answer == ("error" if name == "coco-dup_keys" else case["level"]), message
    elif case["level"] == "ok":
        assert answer in ("ok", "warn"), message
    for word in [*case["message_has"], *WORDS.get(name, [])]:
        assert word in message
    written = {one for one in set(tmp_path.rglob("*")) - set(before) if "cache" not in one.parts}
    assert not written, "reading wrote into the data, or ran what the data says"
