"""Draw labelled images of parking spaces, and whole frames of the lot, as several cameras would see them."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from vision_ft.demo import cars, ground, props, weather
from vision_ft.demo.cameras import Camera, camera_of
from vision_ft.demo.scene import FRAME_HEIGHT, FRAME_WIDTH, Canvas, Lot, View, bay_box, build_lot, look_at
from vision_ft.demo.traffic import Moment, plan_day
from vision_ft.errors import DataError

COLUMNS = ("path", "label", "group", "camera", "day", "frame", "slot")
SUPERSAMPLING = 3  # drawn larger and averaged: ImageDraw itself does not antialias
CLUTTER = 0.14  # share of the empty bays with a person, a trolley or a cone
_FIXTURES, _GROUND, _DAY, _FRAME, _BAY = range(5)  # streams of random numbers


@dataclass(frozen=True)
class Frame:
    """A whole frame of the lot.

    Attributes:
        image: RGB.
        bays: (4, 2) corners in pixels of each bay's ground.
        occupied: whether a car stands on each bay.
    """

    image: Image.Image
    bays: tuple[np.ndarray, ...]
    occupied: tuple[bool, ...]


def draw_dataset(
    root: Path,
    *,
    cameras: Sequence[str] = ("camera_a", "camera_b"),
    days: int = 6,
    frames: int = 5,
    slots: int = 12,
    size: int = 64,
    seed: int = 0,
) -> Path:
    """Write <camera>/<occupied|empty>/<day>_<frame>_slotNN.jpg below `root`, with labels.csv; return `root`.

    The same arguments give the same files. `group` in labels.csv is the camera and day: cars stay for several frames
    of a day, so a split that cuts through a day tests what it trained on.

    Args:
        root: folder, made when absent.
        cameras: "camera_a" and "camera_b" are given; any other name is a camera of its own.
        days: per camera, each with its weather.
        frames: per day, spread from morning to evening.
        slots: bays that each camera sees.
        size: side of the images in pixels.
        seed: of everything random.

    Raises:
        DataError: a count or the size is out of range, or a camera's name is no folder name.
    """
    _require(slots=slots >= 2, days=days >= 1, frames=frames >= 1, size=16 <= size <= 1024, cameras=len(cameras) >= 1)
    rows: list[tuple[str, ...]] = []
    for camera in dict.fromkeys(cameras):
        if Path(camera).name != camera or camera in ("", ".."):
            raise DataError(f"demo images: camera name {camera!r} cannot name a folder; leave out / and '..'.")
        for label in ("occupied", "empty"):
            (root / camera / label).mkdir(parents=True, exist_ok=True)
        for day in range(days):
            moments = _Day(camera, day=day, frames=frames, slots=slots, seed=seed)
            for names, image in moments.cut_outs(size):
                image.save(root / names[0], quality=camera_of(camera).jpeg_quality)
                rows.append(names)
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
    return root


def draw_frame(camera: str, *, day: int, frame: int, frames: int = 5, slots: int = 12, seed: int = 0) -> Frame:
    """Draw the whole lot, 640 x 360, with the same cars and weather as the cut-outs of `draw_dataset`."""
    _require(slots=slots >= 2, frame=0 <= frame < frames, day=day >= 0)
    return _Day(camera, day=day, frames=frames, slots=slots, seed=seed).whole(frame)


class _Day:
    """One day of one camera: its weather, ground and traffic."""

    def __init__(self, name: str, *, day: int, frames: int, slots: int, seed: int) -> None:
        self.name, self.day, self.frames, self.seed = name, day, frames, seed
        self.camera: Camera = camera_of(name)
        self.lot: Lot = build_lot(slots, slant=self.camera.slant)
        self.view: View = look_at(self.lot, eye=self.camera.eye, roll_degrees=self.camera.roll_degrees)
        rng = self._rng(_DAY, day)
        self.weather = weather.draw_weather(self.camera, rng)
        self.moments = plan_day(self.lot, frames=frames, rng=rng)
        fixtures = self._rng(_FIXTURES).choice(
            ["none", "post", "branches", "tree"], size=slots, p=[0.64, 0.1, 0.12, 0.14]
        )
        self.fixtures: list[str] = fixtures.tolist()

    @cached_property
    def ground(self) -> Image.Image:
        bare = _bare_ground(self.name, slots=len(self.lot.bays), seed=self.seed)
        return ground.add_weather(bare, self.weather, self._rng(_GROUND, self.day))

    def cut_outs(self, size: int) -> Iterator[tuple[tuple[str, ...], Image.Image]]:
        """Yield the row of labels.csv and the image of every bay in every frame."""
        day = f"day{self.day + 1:02d}"
        for frame, moment in enumerate(self.moments):
            light = self._light(frame)
            for slot in range(len(self.lot.bays)):
                label = "empty" if moment.cars[slot] is None else "occupied"
                file = f"{self.name}/{label}/{day}_frame{frame + 1:02d}_slot{slot + 1:02d}.jpg"
                row = (file, label, f"{self.name}-{day}", self.name, day, str(frame + 1), str(slot + 1))
                yield row, self._cut_out(moment, light, frame=frame, slot=slot, size=size)

    def whole(self, frame: int) -> Frame:
        moment, light = self.moments[frame], self._light(frame)
        size = (FRAME_WIDTH * 2, FRAME_HEIGHT * 2)
        view = self.view.window((0, 0, FRAME_WIDTH, FRAME_HEIGHT), size)
        image = self._draw(moment, light, view=view, size=size, frame=frame, slots=range(len(self.lot.bays)))
        distance = float(np.linalg.norm(self.view.eye - [*np.array(self.lot.size) / 2, 0.0]))
        rng = self._rng(_FRAME, self.day, frame, 1)
        exposed = weather.expose(image.reduce(2), self.camera, light, distance_m=distance, edge=0.4, rng=rng)
        bays = tuple(self.view.project(np.column_stack([bay.corners, np.zeros(4)])) for bay in self.lot.bays)
        return Frame(exposed, bays, tuple(car is not None for car in moment.cars))

    def _cut_out(self, moment: Moment, light: weather.Light, *, frame: int, slot: int, size: int) -> Image.Image:
        bay = self.lot.bays[slot]
        box = bay_box(self.view, bay)
        large = (size * SUPERSAMPLING, size * SUPERSAMPLING)
        per_row = (len(self.lot.bays) + 1) // 2
        near = [other for other in range(slot - 2, slot + 3) if other // per_row == slot // per_row]
        near = [other for other in near if 0 <= other < len(self.lot.bays)]
        view = self.view.window(box, large)
        image = self._draw(moment, light, view=view, size=large, frame=frame, slots=near)
        offset = np.array([box[0] + box[2] - FRAME_WIDTH, box[1] + box[3] - FRAME_HEIGHT]) / 2
        edge = float(np.hypot(*offset) / np.hypot(FRAME_WIDTH / 2, FRAME_HEIGHT / 2))
        distance = float(np.linalg.norm(self.view.eye - [*bay.center, 0.0]))
        rng = self._rng(_BAY, self.day, frame, slot)
        small = image.reduce(SUPERSAMPLING)
        return weather.expose(small, self.camera, light, distance_m=distance, edge=edge, rng=rng)

    def _draw(
        self,
        moment: Moment,
        light: weather.Light,
        *,
        view: View,
        size: tuple[int, int],
        frame: int,
        slots: Sequence[int],
    ) -> Image.Image:
        """Draw ground, shadows, then what stands on the bays from far to near."""
        canvas = Canvas(ground.project_ground(self.ground, view, size), view)
        present = [(slot, car) for slot in slots if (car := moment.cars[slot]) is not None]
        for slot in slots:
            if self.fixtures[slot] == "tree":
                props.draw_tree_shadow(canvas, self.lot.bays[slot], light, self._rng(_FIXTURES, self.day, slot))
        for _, car in present:
            if self.weather == "rain":
                cars.draw_reflection(canvas, car)
            cars.draw_shadow(canvas, car, light)
        distance = {slot: -float(np.hypot(*(self.lot.bays[slot].center - view.eye[:2]))) for slot in slots}
        for slot in sorted(slots, key=lambda slot: distance[slot]):
            self._draw_bay(canvas, moment, light, frame=frame, slot=slot)
        weather.draw_falling(canvas.image, self.weather, self._rng(_BAY, self.day, frame, slots[0], 1))
        return canvas.image

    def _draw_bay(self, canvas: Canvas, moment: Moment, light: weather.Light, *, frame: int, slot: int) -> None:
        bay, car = self.lot.bays[slot], moment.cars[slot]
        rng = self._rng(_FRAME, self.day, frame, 2 + slot)
        if car is not None:
            cars.draw_car(canvas, car, light)
        elif rng.random() < CLUTTER:
            props.draw_clutter(canvas, bay, light, rng)
        if self.fixtures[slot] == "post":
            props.draw_post(canvas, bay, self._rng(_FIXTURES, slot))
        if self.fixtures[slot] == "branches":
            props.draw_branches(canvas, bay, self._rng(_FIXTURES, slot))

    def _light(self, frame: int) -> weather.Light:
        rng = self._rng(_FRAME, self.day, frame)
        hour = 8.0 + 11.0 * (frame + 0.5) / self.frames + rng.uniform(-0.5, 0.5)
        return weather.light_at(self.camera, self.weather, hour=hour, rng=rng)

    def _rng(self, *stream: int) -> np.random.Generator:
        return _rng(self.name, self.seed, *stream)


@lru_cache(maxsize=2)
def _bare_ground(name: str, *, slots: int, seed: int) -> Image.Image:
    """Draw the ground that all days of a camera share."""
    camera = camera_of(name)
    return ground.draw_ground(camera, build_lot(slots, slant=camera.slant), _rng(name, seed, _GROUND))


def _rng(name: str, seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *stream])


def _require(**is_fine: bool) -> None:
    limits = {
        "slots": "at least 2", "days": "at least 1", "frames": "at least 1", "size": "16 to 1024 pixels",
        "cameras": "at least one name", "frame": "0 to frames - 1", "day": "at least 0",
    }  # fmt: skip
    for name, fine in is_fine.items():
        if not fine:
            raise DataError(f"demo images: {name} is out of range, allowed: {limits[name]}.")
