"""One image or many - files, folders, arrays, lists, generators - give one prediction each, in order and in batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vision_ft.deploy.boxes import BoxPredictor
from vision_ft.deploy.labels import LabelPredictor
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import ClassSpace, Detections, Preprocessing

READING = Preprocessing((3, 8, 8), 1.0, "squash", "bilinear", (0.0,) * 3, (1.0,) * 3)


class Brightness(nn.Module):
    """Gives the class "light" the logit of the mean brightness; counts the images of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        light = images.mean(dim=(1, 2, 3))
        return torch.stack([light, 0.5 - light], dim=1)


@pytest.fixture
def model() -> LabelPredictor:
    return LabelPredictor(Brightness(), classes=ClassSpace(("light", "dark")), preprocessing=READING)


def grey(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


VALUES = (0, 250, 10, 200, 90)
EXPECTED = ["dark", "light", "dark", "light", "light"]


def labels(predictions) -> list[str]:
    return [one.label for one in predictions]


def test_a_list_an_array_of_images_and_a_generator_give_the_same_list(model):
    stacked = np.stack([grey(value) for value in VALUES])
    for source in (list(stacked), stacked, (image for image in stacked), iter(list(stacked)), tuple(stacked)):
        found = model.predict(source, batch_size=2)
        assert isinstance(found, list)
        assert labels(found) == EXPECTED
    assert model.model.batches == [2, 2, 1] * 5


def test_one_array_one_pil_image_and_one_path_give_a_list_of_one(model, tmp_path):
    Image.fromarray(grey(250)).save(tmp_path / "a.png")
    for source in (grey(250), Image.fromarray(grey(250)), tmp_path / "a.png", str(tmp_path / "a.png")):
        assert labels(model.predict(source)) == ["light"]
    assert labels(model.predict(np.full((8, 8), 3, np.uint8))) == ["dark"], "an image without colour"


def test_a_folder_is_its_images_at_any_depth_in_order_of_their_names(model, tmp_path):
    for name, value in (("b.png", 250), ("a/z.jpg", 0), ("c.txt", None)):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("no image") if value is None else Image.fromarray(grey(value)).save(file)
    found = model.predict(tmp_path)
    assert [(Path(one.path).name, one.label) for one in found] == [("z.jpg", "dark"), ("b.png", "light")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no image found. Allowed extensions: .*png"):
        model.predict(tmp_path / "empty")


def test_a_generator_is_read_no_further_than_the_batch_that_is_given(model):
    taken: list[int] = []

    def stream():
        for value in VALUES:
            taken.append(value)
            yield grey(value)

    each = model.predict_each(stream(), batch_size=2)
    assert taken == []
    assert next(each).label == "dark"
    assert taken == [0, 250]
    assert next(each).label == "light"
    assert taken == [0, 250], "the second of the batch needs no third image"
    assert labels(each) == EXPECTED[2:]


def test_a_live_stream_with_batches_of_one_gives_each_prediction_before_the_next_image_comes(model):
    log: list[str] = []

    def stream():
        for number in range(3):
            log.append(f"image {number}")
            yield grey(0)

    for number, _ in enumerate(model.predict_each(stream(), batch_size=1)):
        log.append(f"prediction {number}")
    assert log == [f"{word} {number}" for number in range(3) for word in ("image", "prediction")]


def test_tiles_of_one_image_do_not_become_those_of_the_next():
    class Width(nn.Module):
        """One box as wide as the tile's brightness says."""

        def forward(self, images: torch.Tensor) -> list[Detections]:
            widths = [4 * float(one.mean()) for one in images]
            boxes = [torch.tensor([[2.0, 2.0, 2.0 + width, 4.0]]) for width in widths]
            return [Detections(box, torch.ones(1), torch.zeros(1, dtype=torch.int64)) for box in boxes]

    model = BoxPredictor(Width(), classes=ClassSpace(("car",)), preprocessing=READING)
    small, large = grey(255), np.full((8, 24, 3), 0, np.uint8)
    found = model.predict([large, small, large, small], tile=8, batch_size=3)
    assert [round(float(one.boxes[0, 2]), 3) for one in found] == [2.0, 6.0, 2.0, 6.0]
    assert all(len(one.boxes) == 1 for one in found[1::2])


@pytest.mark.parametrize(("source", "text"), [
    (3, "got a int; allowed: a path, a PIL image, an array"),
    (None, "got a NoneType; allowed: a path"),
    ({"a.png": 1}, "got a dict; allowed: a path"),
    (b"a.png", "got a bytes; allowed: a path"),
    ([grey(0), 3.5], "got a float; allowed: a path"),
    (np.zeros((2, 4, 8, 8), np.uint8), r"got an array of shape \(4, 8, 8\) and type uint8"),
    (np.zeros((2, 8, 8, 3), np.float32), r"got an array of shape \(8, 8, 3\) and type float32; allowed: uint8"),
    (torch.zeros(3, 8, 8), "got a Tensor; allowed: a path"),
])  # fmt: skip
def test_a_source_of_another_type_is_named(model, source, text):
    with pytest.raises(DataError, match=text):
        model.predict(source)


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_of_no_image_is_refused(model, size):
    with pytest.raises(RecipeError, match=f"batch_size: got {size}; allowed are 1 and more"):
        model.predict(grey(0), batch_size=size)
