"""Four kinds of region files, told apart by what they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vision_ft.errors import DataError
from vision_ft.feed.region_files import read_regions

SPACE = (
    '<space id="7" occupied="1"><rotatedRect><center x="5" y="5"/></rotatedRect><contour><point x="0" y="0"/>'
    '<point x="20" y="0"/><point x="20" y="10"/><point x="0" y="10"/></contour></space>'
)


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def coco(*names: str) -> dict:
    outline = [0, 0, 20, 0, 20, 10, 0, 10]
    return {
        "images": [{"id": i, "file_name": name, "width": 40, "height": 30} for i, name in enumerate(names)],
        "categories": [{"id": 1, "name": "empty"}, {"id": 2, "name": "occupied"}],
        "annotations": [
            {"id": 5 + i, "image_id": i, "category_id": 2, "segmentation": [[value + i for value in outline]]}
            for i in range(len(names))
        ],
    }


def test_our_json_gives_names_points_and_size(tmp_path):
    rows = [
        {"name": "A1", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]},
        {"points": [[10, 0], [19, 0], [19, 9], [10, 9]]},
    ]
    found = read_regions(write(tmp_path / "r.json", {"frame_size": [40, 30], "regions": rows}))
    assert [region.name for region in found.regions] == ["A1", "2"]
    assert found.frame_size == (40, 30)
    assert found.regions[0].points == ((0, 0), (9, 0), (9, 9), (0, 9))


def test_a_list_of_corners_gives_rectangles_of_one_size(tmp_path):
    content = {"frame_size": [1100, 720], "space_size": [104, 49], "spaces_xy": [[512, 617], [406, 617]]}
    found = read_regions(write(tmp_path / "spaces.json", content))
    assert found.regions[1].points == ((406, 617), (510, 617), (510, 666), (406, 666))
    assert found.regions[1].name == "2"


def test_pklot_xml_gives_contour_and_state(tmp_path):
    found = read_regions(write(tmp_path / "lot.xml", f'<?xml version="1.0"?><parking id="x">{SPACE}</parking>'))
    assert found.regions[0].name == "7"
    assert found.regions[0].state == "occupied"
    assert found.regions[0].points == ((0, 0), (20, 0), (20, 10), (0, 10))
    assert found.frame_size is None


def test_coco_gives_the_polygons_of_the_picture_asked_for(tmp_path):
    path = write(tmp_path / "coco.json", coco("one.jpg", "two.jpg"))
    found = read_regions(path, picture="folder/two.jpg")
    assert found.regions[0].points[0] == (1, 1)
    assert found.regions[0].state == "occupied"
    assert found.frame_size == (40, 30)
    with pytest.raises(DataError, match="regions of 2 images, and none was asked for"):
        read_regions(path)
    with pytest.raises(DataError, match='regions of 2 images, of which 0 are named "three.jpg"'):
        read_regions(path, picture="three.jpg")


def test_coco_of_a_single_picture_serves_any_frame(tmp_path):
    assert len(read_regions(write(tmp_path / "coco.json", coco("one.jpg")), picture="frame_9.jpg")) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "neither XML nor JSON"),
        ("{", "neither XML nor JSON"),
        ("[" * 100_000, "neither XML nor JSON"),
        ([1], "holds no known kind of regions"),
        ({"shapes": []}, r"holds no known kind of regions, but the keys \['shapes'\]"),
        ({"regions": []}, "holds no region"),
        ({"regions": [{"name": "A"}]}, 'region 1 has no "points"'),
        ({"regions": [{"points": [[1, "2"]]}]}, "region 1: expected a pair of numbers, got \"\\[1, '2'\\]\""),
        ({"regions": [{"points": [[1, True], [1, 2]]}]}, "region 1: expected a pair of numbers"),
        ({"regions": 5}, "an entry is not as expected"),
        ({"frame_size": [0, 5], "regions": [{"points": []}]}, "frame_size is 0 x 5"),
        ({"spaces_xy": [[1, 2]]}, '"spaces_xy" without "space_size"'),
        ({"images": [], "annotations": []}, "regions of 0 images"),
        ("<parking><space></parking>", "the XML is damaged"),
        ("<parking/>", "holds no region"),
        ('<p><space id="3"><contour><point x="1" y="2"/></contour></space></p>', 'space "3" has 1 corners'),
        (f"<p>{SPACE.replace('20', 'twenty')}</p>", 'space "7" has a corner without numbers'),
    ],
)
def test_a_file_that_is_no_list_of_regions_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_regions(write(tmp_path / "spaces.any", content))
    assert str(tmp_path / "spaces.any") in str(caught.value)


def test_coco_masks_are_refused_by_annotation(tmp_path):
    content = coco("one.jpg")
    content["annotations"][0]["segmentation"] = {"counts": "abc", "size": [40, 30]}
    with pytest.raises(DataError, match="annotation 5 has no single polygon"):
        read_regions(write(tmp_path / "coco.json", content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_entities_are_refused_before_they_grow(tmp_path, encoding):
    bomb = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><p>&b;</p>'
    path = tmp_path / "bomb.xml"
    path.write_bytes(bomb.encode(encoding))
    with pytest.raises(DataError, match="DOCTYPE" if encoding == "utf-8" else "neither XML nor JSON"):
        read_regions(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="none.json: the regions cannot be read"):
        read_regions(tmp_path / "none.json")
