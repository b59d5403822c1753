"""The decoder on images drawn here: modes, orientation, alpha, limits, names, warnings."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from vision_ft.data.images.decode import decode, decode_stream
from vision_ft.data.images.pillow import quiet_pillow
from vision_ft.errors import DataError


def gradient(width: int = 48, height: int = 32) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 7 % 256, columns * 5 % 256, (rows + columns) * 3 % 256], axis=2).astype(np.uint8)


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_rgb_pixels_come_out_as_they_were_saved(tmp_path: Path) -> None:
    array = gradient()
    assert np.array_equal(np.asarray(decode(save(tmp_path / "a.png", array))), array)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    array = gradient()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: rotate by 270 degrees
    path = save(tmp_path / "a.png", array, exif=exif)
    assert np.array_equal(np.asarray(decode(path)), np.rot90(array, 3))


def test_a_tiff_is_turned_once(tmp_path: Path) -> None:
    array = gradient()
    path = save(tmp_path / "a.tif", array, tiffinfo={0x0112: 6})
    with path.open("rb") as stream:
        decoded = decode_stream(stream, path)
    assert np.array_equal(np.asarray(decoded.image), np.rot90(array, 3))
    assert (decoded.orientation, decoded.size) == (6, (32, 48))


def test_transparency_is_composited_on_white(tmp_path: Path) -> None:
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, :, 3] = 255  # black above, fully transparent below
    path = save(tmp_path / "a.png", array)
    assert np.asarray(decode(path, channels=1)).tolist() == [[0, 0], [255, 255]]
    assert np.asarray(decode(path)).reshape(-1, 3).tolist() == [[0] * 3, [0] * 3, [255] * 3, [255] * 3]


def test_a_transparent_palette_colour_is_composited_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=b"\x00\xff")
    assert np.asarray(decode(tmp_path / "a.png")).tolist() == [[[255, 255, 255], [200, 100, 50]]]


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_is_divided_by_257_in_every_format(tmp_path: Path, suffix: str) -> None:
    array = np.array([[0, 257, 4660, 65535]], dtype=np.uint16)
    path = tmp_path / f"a.{suffix}"
    if suffix == "pgm":
        path.write_bytes(b"P5 4 1 65535\n" + array.astype(">u2").tobytes())
    else:
        Image.fromarray(array).save(path)
    assert np.asarray(decode(path, channels=1)).tolist() == [[0, 1, 18, 255]]


def test_32_bit_integers_are_stretched_by_their_own_range(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.array([[-1000, 0, 1000]], dtype=np.int32))
    assert np.asarray(decode(path, channels=1)).tolist() == [[0, 128, 255]]


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(DataError, match=r"a\.tif: floating-point pixels have no 0\.\.255 range"):
        decode(path)


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decode(tmp_path / "a.gif").getpixel((0, 0)) == (255, 0, 0)
    with (tmp_path / "a.gif").open("rb") as stream:
        assert decode_stream(stream, "a.gif", details=True).animated


def test_min_side_picks_the_smallest_jpeg_scale_that_is_large_enough(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", gradient(800, 400))
    assert decode(path, min_side=100).size == (200, 100)  # 1/4
    assert decode(path, min_side=101).size == (400, 200)  # 1/2
    assert decode(path, min_side=500).size == (800, 400)
    with path.open("rb") as stream:
        assert decode_stream(stream, path, min_side=100).size == (800, 400)  # the file's own


def test_a_cut_jpeg_is_refused_at_every_scale(tmp_path: Path) -> None:
    path = save(tmp_path / "cut.jpg", gradient(800, 400))
    path.write_bytes(path.read_bytes()[:-2000])
    for min_side in (None, 50):
        with pytest.raises(DataError, match=r"cut\.jpg: cut short"):
            decode(path, min_side=min_side)


def test_max_pixels_is_checked_before_decoding(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", gradient())
    with pytest.raises(DataError, match="48 x 32 = 0 million pixels"):
        decode(path, max_pixels=1000)
    assert decode(path, max_pixels=48 * 32).size == (48, 32)


def test_a_header_that_promises_four_gigapixels_is_refused(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 65536, 65536, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")))
    with pytest.raises(DataError, match="bomb.png: 65536 x 65536"):
        decode(path)


def test_names_that_are_not_utf8_load_and_are_named(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    good, bad = (Path(os.fsdecode(folder + name)) for name in (b"/caf\xe9.png", b"/broken\xff.png"))
    save(good, gradient())
    bad.write_bytes(b"no image")
    assert decode(good).size == (48, 32)
    with pytest.raises(DataError, match=r"broken\\xff\.png: not an image"):
        decode(bad)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero")):
        with pytest.raises(DataError, match="not a regular file"):
            decode(path)
    with pytest.raises(DataError, match=r"gone\.jpg: no such file"):
        decode(tmp_path / "gone.jpg")


def test_pillow_warnings_stay_inside_and_its_settings_are_restored(tmp_path: Path, monkeypatch: object) -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([10, 20, 30] * 2)
    image.save(tmp_path / "a.png", transparency=b"\x00\xff")  # converting it makes Pillow warn
    before = (list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(decode, [tmp_path / "a.png"] * 200))) == 200
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == before


def test_a_foreign_switch_to_load_truncated_files_is_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = save(tmp_path / "cut.jpg", gradient(200, 200))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="cut short"):
        decode(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_other_warnings_are_not_silenced() -> None:
    with quiet_pillow(), pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", UserWarning, stacklevel=1)
