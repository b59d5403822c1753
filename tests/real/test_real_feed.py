"""Real feeds: a clip with rectangles, PKLot frames with their XML, COCO polygons of many lots."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from vision_ft.data.images.decode import decode
from vision_ft.feed.region_files import read_regions
from vision_ft.feed.regions import check_frame, check_regions, scale_regions
from vision_ft.feed.source import open_feed
from vision_ft.feed.straighten import corners_of, straighten


def test_the_clip_gives_fifteen_frames_and_its_spaces_fit(shared):
    spaces = read_regions(shared / "data" / "parking_video" / "spaces.json")
    assert len(spaces) == 69
    feed = open_feed(shared / "data" / "parking_video" / "carPark.mp4", every="1s")
    times = []
    for frame in feed:
        check_frame(spaces, frame.size)
        times.append(frame.time_s)
    assert np.allclose(times, range(15), atol=0.05)
    assert feed.stopped == ""


def test_every_pklot_file_is_read_and_fits_its_frame(shared):
    files = sorted((shared / "data" / "parking_ufpr05").glob("sequence*/bounding_boxes/*.xml"))
    assert len(files) == 25
    taken = 0
    for file in files:
        spaces = read_regions(file)
        assert len(spaces) == 40
        check_frame(spaces, (1280, 720))
        taken += sum(region.state == "occupied" for region in spaces.regions)
    assert taken == 225, 'as many as the text of the files says occupied="1"'


def test_straightened_spaces_look_like_the_published_patches(shared):
    """PKLot's patches follow its rotated rectangles, ours the contours: alike, and far more than to other spaces."""
    folder = shared / "data" / "parking_ufpr05" / "sequence4"
    name = "2013-04-15_07_35_01"
    frame = np.asarray(decode(folder / "frames" / f"{name}.jpg"))
    published = {}
    for file in (shared / "data" / "parking_patches" / "pklot_ufpr05").glob(f"*/sequence4_{name}_slot*.jpg"):
        published[file.stem.split("slot")[1]] = small(decode(file))
    own = {
        region.name: small(Image.fromarray(straighten(frame, corners_of(region.points))))
        for region in read_regions(folder / "bounding_boxes" / f"{name}.xml").regions
    }
    assert published.keys() == own.keys()
    assert len(own) == 40
    names = sorted(own)
    alike = np.array([[np.corrcoef(own[a], published[b])[0, 1] for b in names] for a in names])
    best = [names[place] for place in alike.argmax(axis=1)]
    assert sum(a == b for a, b in zip(names, best, strict=True)) >= 30


def small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((24, 24)), dtype=float).ravel()


def test_the_time_lapse_takes_the_scaled_spaces(shared):
    folder = shared / "data" / "parking_ufpr05"
    spaces = read_regions(next((folder / "sequence0" / "bounding_boxes").glob("*.xml")))
    scaled = scale_regions(spaces, (640, 360), drawn_on=(1280, 720))
    frame = next(iter(open_feed(folder / "timelapse_2013-03-10_5min.mp4")))
    check_frame(scaled, frame.size)


def test_the_regions_of_every_lot_in_the_coco_files_can_be_used(shared):
    folder = shared / "data" / "parking_frames"
    count = 0
    for name in ("train.coco.json", "valid.coco.json"):
        pictures = [image["file_name"] for image in json.loads((folder / name).read_text())["images"]]
        for picture in pictures:
            spaces = check_regions(read_regions(folder / name, picture=picture))
            with Image.open(folder / "images" / picture) as image:
                check_frame(spaces, image.size)
            count += 1
    assert count == 239
