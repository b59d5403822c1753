"""Broken and hostile image files: each gets pixels or one typed error that names it, never a crash or a hang."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision_ft.data.images.decode import ImageError, decode
from vision_ft.errors import DataError


@pytest.fixture(scope="module")
def images(shared: Path) -> Path:
    folder = shared / "faults" / "images"
    if not folder.is_dir():
        pytest.skip(f"no broken images at {folder}")
    return folder


@pytest.mark.slow
def test_every_picture_of_the_corpus_gets_its_expected_answer(images: Path, tmp_path: Path) -> None:
    """One forked child a file, with 1 GB and 5 seconds; the verdicts are those of the script beside the corpus."""
    verdicts = tmp_path / "verdicts.json"
    script = images.parent / "score_images.py"
    # Pillow's plugins are loaded before the first fork, not again in each of the children
    (tmp_path / "loader.py").write_text(
        "from vision_ft.data.images.decode import available_formats, decode\navailable_formats()\n"
    )
    command = [sys.executable, str(script), "loader:decode", "-q", "--json", str(verdicts)]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300, capture_output=True)
    results = json.loads(verdicts.read_text())
    assert len(results) == len(json.loads((images / "manifest.json").read_text())["files"]) > 100
    assert [one for one in results if one["verdict"] != "PASS"] == []
    assert sum(one["strict"] for one in results) > 80
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("CANARY")] == []


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("own_content/zero_byte.png", "empty-file", "0 bytes"),
        ("own_content/zero_filled_4k.jpg", "corrupt", "all bytes are zero"),
        ("own_content/half.jpg", "truncated", "cut short"),
        ("own_content/nan_float.tif", "corrupt", "floating-point"),
        ("own_ext/text_named.png", "not-a-picture", "git-lfs pointer"),
        ("own_ext/zip_named.jpeg", "not-a-picture", "ZIP archive"),
        ("own_ext/pickle_named.jpg", "not-a-picture", "pickle"),
        ("own_ext/.DS_Store", "not-a-picture", "DS_Store"),
        ("modes/pil__hopper.heif", "not-a-picture", "HEI[FC].*save it as JPEG"),
        ("outside_allowlist/vips__blankpage.pdf", "not-a-picture", "PDF"),
        ("outside_allowlist/pil__hopper.qoi", "not-a-picture", "QOI.*allowed are JPEG"),
        ("own_bombs/png_1bit_30000.png", "corrupt", "30000 x 30000 = 900 million pixels, allowed are 100 million"),
        ("broken_png/pil__truncated_end_chunk.png", "truncated", "cut short"),
    ],
)
def test_a_rejection_names_the_file_its_kind_and_the_reason(images: Path, name: str, kind: str, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        decode(images / name)
    assert caught.value.kind == kind
    assert Path(name).name in str(caught.value)


def test_sixteen_bit_grey_is_scaled_by_its_range(images: Path) -> None:
    assert decode(images / "modes/pil__uint16_1_4660.tif", channels=1).getextrema() == (18, 18)  # 4660 / 257 = 18.1
    ramp = np.asarray(decode(images / "own_content/grad16.png", channels=1))
    assert len(np.unique(ramp)) > 200
    assert (ramp.min(), ramp.max()) == (0, 255)  # 65520 / 257 = 254.9


def test_the_eight_orientations_of_one_scene_come_out_alike(images: Path) -> None:
    def coarse(number: int) -> np.ndarray:
        image = decode(images / f"orientation/vips__{number}.jpg", channels=1)
        assert image.height / image.width == pytest.approx(4 / 3, abs=0.01)
        return np.asarray(image.resize((16, 16), Image.Resampling.BOX), dtype=float)

    for number in (3, 4, 5, 6, 8):  # taken by hand, not copies: they agree in the large only
        assert np.corrcoef(coarse(number).ravel(), coarse(1).ravel())[0, 1] > 0.99, number
    assert np.corrcoef(coarse(1)[::-1].ravel(), coarse(1).ravel())[0, 1] < 0.7  # upside down does not


def test_names_of_any_script_load(images: Path) -> None:
    names = sorted(path for path in (images / "own_names").iterdir() if path.suffix.lower() == ".jpg")
    assert len(names) >= 10
    assert {decode(path).mode for path in names} == {"RGB"}


def test_an_error_of_an_ordinary_file_is_still_a_data_error(images: Path) -> None:
    with pytest.raises(DataError, match="half.jpg"), Image.open(images / "own_content/one_pixel.png"):
        decode(images / "own_content/half.jpg")
