"""The drawn parking lots are the same for the same seed, labelled, grouped, and differ from camera to camera."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vision_ft.demo import draw_dataset, draw_frame
from vision_ft.errors import DataError


@pytest.fixture(scope="module")
def lots(tmp_path_factory):
    return draw_dataset(tmp_path_factory.mktemp("lots"), days=3, frames=2, slots=6, size=32, seed=5)


def rows_of(root):
    with (root / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def digests(root):
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*.*"))
    }


def test_every_picture_is_listed_once_with_its_folder_as_label(lots):
    rows = rows_of(lots)
    assert len(rows) == 2 * 3 * 2 * 6
    assert {row["path"] for row in rows} == {file.relative_to(lots).as_posix() for file in lots.rglob("*.jpg")}
    for row in rows:
        camera, label, name = row["path"].split("/")
        assert (camera, label) == (row["camera"], row["label"])
        assert name == f"{row['day']}_frame{int(row['frame']):02d}_slot{int(row['slot']):02d}.jpg"
        assert row["group"] == f"{camera}-{row['day']}"


def test_pictures_have_the_size_that_was_asked_for(lots):
    for file in lots.rglob("*.jpg"):
        with Image.open(file) as image:
            assert (image.size, image.mode) == ((32, 32), "RGB")


def test_the_same_seed_draws_the_same_bytes_and_another_seed_does_not(tmp_path):
    settings = {"days": 1, "frames": 2, "slots": 3, "size": 24}
    first = digests(draw_dataset(tmp_path / "a", seed=1, **settings))
    assert digests(draw_dataset(tmp_path / "b", seed=1, **settings)) == first
    other = digests(draw_dataset(tmp_path / "c", seed=2, **settings))
    assert not set(first.values()) & set(other.values())


def test_a_new_process_draws_the_same_bytes(tmp_path):
    settings = "cameras=['camera_b'], days=1, frames=1, slots=2, size=24, seed=3"
    code = f"from pathlib import Path; from vision_ft.demo import draw_dataset; draw_dataset(Path('there'), {settings})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=60)
    here = draw_dataset(tmp_path / "here", cameras=["camera_b"], days=1, frames=1, slots=2, size=24, seed=3)
    assert digests(tmp_path / "there") == digests(here)


@pytest.mark.parametrize("seed", range(4))
def test_every_camera_and_day_has_both_classes_even_with_two_bays(tmp_path, seed):
    rows = rows_of(draw_dataset(tmp_path, days=5, frames=1, slots=2, size=16, seed=seed))
    assert {(row["group"], row["label"]) for row in rows} == {
        (f"camera_{camera}-day{day:02d}", label)
        for camera in "ab"
        for day in range(1, 6)
        for label in ("occupied", "empty")
    }


def test_about_half_of_the_bays_are_occupied(tmp_path):
    rows = rows_of(draw_dataset(tmp_path, days=6, frames=4, slots=8, size=16))
    labels = Counter(row["label"] for row in rows)
    assert 0.35 < labels["occupied"] / len(rows) < 0.65


def test_cameras_differ_in_colour_more_than_the_days_of_one_camera_do_on_average(tmp_path):
    rows = rows_of(draw_dataset(tmp_path, days=6, frames=2, slots=6, size=16))
    colors = {camera: [] for camera in ("camera_a", "camera_b")}
    for row in rows:
        pixels = np.asarray(Image.open(tmp_path / row["path"]), dtype=float)
        colors[row["camera"]].append(pixels.mean(axis=(0, 1)))
    warm = {camera: np.mean(values, axis=0) @ [1, 0, -1] for camera, values in colors.items()}
    assert warm["camera_a"] > 5 > -5 > warm["camera_b"]  # red minus blue, of 255: one is warm, the other cold


def test_a_car_shows_where_the_label_says_so():
    """Between two frames of one day, bays whose state changed differ more than bays that stayed empty."""
    changed, stayed = [], []
    for day in range(6):
        frames = [draw_frame("camera_a", day=day, frame=frame, seed=2) for frame in (1, 2)]
        difference = np.abs(np.subtract(*(np.asarray(frame.image, dtype=float) for frame in frames))).mean(axis=2)
        for bay, before, after in zip(frames[0].bays, frames[0].occupied, frames[1].occupied, strict=True):
            mask = Image.new("L", frames[0].image.size)
            ImageDraw.Draw(mask).polygon([tuple(corner) for corner in bay], fill=1)
            inside = difference[np.asarray(mask) == 1].mean()
            if before != after:
                changed.append(inside)
            elif not before:
                stayed.append(inside)
    assert min(len(changed), len(stayed)) >= 8
    assert np.median(changed) > 1.5 * np.median(stayed)


def test_a_frame_shows_all_bays_inside_the_picture():
    frame = draw_frame("camera_b", day=0, frame=1, slots=9, seed=1)
    assert frame.image.size == (640, 360)
    assert len(frame.bays) == len(frame.occupied) == 9
    corners = np.concatenate(frame.bays)
    assert (corners >= 0).all()
    assert (corners <= [640, 360]).all()


def test_a_frame_has_the_cars_of_the_cut_outs(lots):
    rows = [row for row in rows_of(lots) if (row["camera"], row["day"], row["frame"]) == ("camera_a", "day02", "2")]
    frame = draw_frame("camera_a", day=1, frame=1, frames=2, slots=6, seed=5)
    assert [row["label"] == "occupied" for row in rows] == list(frame.occupied)


def test_any_name_is_a_camera_of_its_own(tmp_path):
    root = draw_dataset(tmp_path, cameras=["north gate", "roof"], days=1, frames=1, slots=4, size=24)
    assert sorted(folder.name for folder in root.iterdir() if folder.is_dir()) == ["north gate", "roof"]
    assert len(set(digests(root).values())) == 9  # eight different images and labels.csv


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"slots": 1}, r"slots is out of range, allowed: at least 2"),
        ({"days": 0}, r"days is out of range, allowed: at least 1"),
        ({"frames": 0}, r"frames is out of range"),
        ({"size": 8}, r"size is out of range, allowed: 16 to 1024 pixels"),
        ({"cameras": ()}, r"cameras is out of range, allowed: at least one name"),
        ({"cameras": ("..",)}, r"camera name '\.\.' cannot name a folder"),
        ({"cameras": ("",)}, r"camera name ''"),
        ({"cameras": ("../up",)}, r"camera name '\.\./up'"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path, settings, message):
    with pytest.raises(DataError, match=message):
        draw_dataset(tmp_path, **settings)


def test_drawing_needs_no_torch():
    code = "import sys, vision_ft.demo; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
