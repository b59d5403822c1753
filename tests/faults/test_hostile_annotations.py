"""Annotations made to break a reader: the answer is an error that names the place, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.annotated import draw_pictures
from vision_ft.data.boxes import find_flaw
from vision_ft.data.class_table import read_class_table
from vision_ft.data.formats import FORMATS
from vision_ft.data.reading.safe_xml import parse_xml
from vision_ft.errors import DataError

DIGITS = "9" * 5000  # Python reads no whole number of more than 4300 digits
VOC = (
    "<annotation><size><width>{width}</width><height>48</height></size>"
    "<object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"
)
BOX = "<xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>"


def test_an_encoding_that_nobody_knows_is_refused() -> None:
    with pytest.raises(DataError, match=r"a.xml: declares an encoding that is not read \(unknown encoding: foo\)"):
        parse_xml(b'<?xml version="1.0" encoding="foo"?><annotation/>', "a.xml")
    with pytest.raises(DataError, match=r"a.xml: declares an encoding .* Save it as UTF-8"):
        parse_xml(b'<?xml version="1.0" encoding="gbk"?><annotation/>', "a.xml")
    with pytest.raises(DataError, match=r"a.xml: the XML is damaged \(mismatched tag"):
        parse_xml(b"<annotation><object></annotation>", "a.xml")


@pytest.mark.parametrize("name", ["utf8", "UTF8", "utf-8", "utf_8"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_utf8_is_utf_8(name: str, start: bytes) -> None:
    text = f"<?xml version='1.0' encoding='{name}'?>\n<annotation>caf\u00e9</annotation>"
    assert parse_xml(start + text.encode(), "a.xml").text == "caf\u00e9"
    latin = "<?xml version='1.0' encoding='cp1252'?>\n<annotation>caf\u00e9</annotation>"
    assert parse_xml(latin.encode("cp1252"), "a.xml").text == "caf\u00e9"


def test_a_whole_number_beyond_all_floats_is_not_finite() -> None:
    flaw = find_flaw([1, 2, 10**400, 4])
    assert flaw == f"1{'0' * 39} (401 digits) is not a finite number"


def test_a_coco_box_of_400_digits_is_refused_with_its_annotation(tmp_path: Path) -> None:
    draw_pictures(tmp_path, ["a.png"])
    annotation = {"id": 5, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10**400, 4]}
    content = {"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "a.json").write_text(json.dumps(content | {"annotations": [annotation]}))
    with pytest.raises(DataError, match=r"a.json: annotation 5: bbox \[x, y, width, height\]: 1000.* is not a finite"):
        FORMATS["coco"](tmp_path / "a.json")


@pytest.mark.parametrize("bad", [[3e38, 2, 3e38, 4], [1, -3e38, 4, -3e38]])
def test_a_coco_box_whose_far_corner_is_beyond_float32_is_refused(bad: list, tmp_path: Path) -> None:
    draw_pictures(tmp_path, ["a.png"])
    annotation = {"id": 5, "image_id": 1, "category_id": 1, "bbox": bad}
    content = {"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "a.json").write_text(json.dumps(content | {"annotations": [annotation]}))
    with pytest.raises(DataError, match=r"annotation 5: bbox .*6e\+38 is not a finite number"):
        FORMATS["coco"](tmp_path / "a.json")


@pytest.mark.parametrize(
    ("name", "text"),
    [("classes.txt", f"{DIGITS} road\n"), ("classes.csv", f"name,value\nroad,{DIGITS}\n")],
)
def test_a_class_code_of_5000_digits_is_no_code(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=r"line .: \['9999.*'\] is no code; expected are 0..65535") as caught:
        read_class_table(tmp_path / name)
    assert len(str(caught.value)) < 300


def voc_set(root: Path, **parts: str) -> Path:
    draw_pictures(root, ["JPEGImages/a.png"])
    (root / "Annotations").mkdir()
    (root / "Annotations/a.xml").write_text(VOC.format(**{"width": "64", "name": "cat", "box": BOX} | parts))
    return root


def test_a_voc_size_of_5000_digits_is_no_size(tmp_path: Path) -> None:
    table = FORMATS["voc"](voc_set(tmp_path, width=DIGITS))
    details = [one.detail for one in table.remarks if one.kind == "no-size"]
    assert details[0].startswith("Annotations/a.xml states the size '999")
    assert len(details[0]) < 200


def test_a_voc_corner_of_many_letters_is_shown_by_its_beginning(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="object 1: bndbox .*xxx.*expected numbers") as caught:
        FORMATS["voc"](voc_set(tmp_path, box=BOX.replace(">1<", f">{'x' * 100_000}<")))
    assert len(str(caught.value)) < 500


def test_a_csv_size_of_5000_digits_is_no_size(tmp_path: Path) -> None:
    draw_pictures(tmp_path, ["a.png"])
    (tmp_path / "boxes.csv").write_text(f"path,x1,y1,x2,y2,label,width,height\na.png,1,2,30,40,cat,{DIGITS},48\n")
    table = FORMATS["boxes_csv"](tmp_path / "boxes.csv")
    assert "stated_width" not in table.arrow.column_names


def test_a_csv_of_boxes_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    draw_pictures(tmp_path, ["a.png"])
    file = tmp_path / "boxes.csv"
    file.write_bytes("path,x1,y1,x2,y2,label\na.png,1,2,30,40,caf\u00e9\n".encode("cp1252"))
    words = r"boxes.csv line 2: label 'caf\\udce9' is not UTF-8. Save the file as UTF-8."
    with pytest.raises(DataError, match=words):
        FORMATS["boxes_csv"](file)
    with pytest.raises(DataError, match="is not UTF-8"):  # all names of the file are in doubt, so dropping one is none
        FORMATS["boxes_csv"](file, on_bad="drop")


@pytest.mark.parametrize("name", ["boxes_csv", "voc"])
def test_a_backslash_in_a_class_name_is_kept(name: str, tmp_path: Path) -> None:
    if name == "voc":
        table = FORMATS["voc"](voc_set(tmp_path, name="either\\or"))
    else:
        draw_pictures(tmp_path, ["a.png"])
        (tmp_path / "boxes.csv").write_text("path,x1,y1,x2,y2,label\na.png,1,2,30,40,either\\or\n")
        table = FORMATS["boxes_csv"](tmp_path / "boxes.csv")
    assert table.classes.names == ("either\\or",)
