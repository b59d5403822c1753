"""Draw regions and their states on frames, and write frames with drawings as a video or as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from vision_ft.feed.frames import Frame
from vision_ft.feed.palette import colours_of
from vision_ft.feed.record import clock_text
from vision_ft.feed.watch import FrameStates

VIDEO, PICTURE, FOLDER = "annotated.mp4", "annotated.jpg", "annotated"
FRAMES_A_SECOND = 5.0  # of the annotated video: quick to look through, slow enough to see a change
LONGEST_SIDE = 1920  # larger frames are drawn smaller; the states are read from the full size
FILL = 50  # of 255: the car below must stay visible
MAX_NAME = 24  # characters of a name that are drawn
MAX_LEGEND = 6  # states that the caption counts


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and knows more than ASCII."""
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def draw_frame(seen: FrameStates, classes: Sequence[str]) -> Image.Image:
    """Draw outlines, names and states, and a caption with time and counts.

    Args:
        seen: a frame and its states.
        classes: K names of the states.
    """
    picture = Image.fromarray(seen.frame.image)
    scale = min(1.0, LONGEST_SIDE / max(picture.size))
    if scale < 1:
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    colours = colours_of(classes)
    layer = ImageDraw.Draw(picture, "RGBA")
    unit = max(1, round(max(picture.size) / 640))
    for region, state in zip(seen.regions, seen.states, strict=True):
        if not region.points:
            continue
        points = [(x * scale, y * scale) for x, y in region.points]
        layer.polygon(points, fill=(*_rgb(colours[state]), FILL))
        layer.line([*points, points[0], points[1]], fill=colours[state], width=unit + 1, joint="curve")
        name = one_line(region.name)
        write_name(layer, points, f"{name} {one_line(classes[state])}", name, 10 + unit)
    write_caption(layer, seen.frame, _count_states(seen, classes, colours), size=11 + 3 * unit)
    return picture


def write_name(
    layer: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], full: str, short: str, size: int
) -> None:
    """Write name and state into the middle of a region, or the name alone where both are too wide."""
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    face = font(size)
    text = full if face.getlength(full) <= right - left else short
    middle = (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
    layer.text(middle, text, font=face, fill="white", anchor="mm", stroke_width=max(1, size // 6), stroke_fill="black")


def _count_states(seen: FrameStates, classes: Sequence[str], colours: Sequence[str]) -> list[tuple[str, str, str]]:
    """List (state, regions in it, colour), the most frequent first; of few states also those without a region."""
    counts = np.bincount(seen.states, minlength=len(classes))
    shown = [
        int(k) for k in np.argsort(-counts, kind="stable")[:MAX_LEGEND] if counts[k] > 0 or len(classes) <= MAX_LEGEND
    ]
    return [(classes[k], str(counts[k]), colours[k]) for k in sorted(shown)]


def write_caption(
    layer: ImageDraw.ImageDraw, frame: Frame, entries: Sequence[tuple[str, str, str]], *, size: int
) -> None:
    """Write the frame's time and up to six (name, value, colour) into its upper left corner."""
    moment = clock_text(frame.time).replace("T", " ") or f"{frame.time_s:.1f} s"
    named = [(f"{one_line(name)} {value}", colour) for name, value, colour in entries[:MAX_LEGEND]]
    parts: list[tuple[str, str | None]] = [(moment, None), *named]
    face, gap = font(size), size // 2
    widths = [face.getlength(text) + gap * 2 + (size if colour else 0) for text, colour in parts]
    layer.rectangle((0, 0, sum(widths) + gap, size * 2), fill=(0, 0, 0, 190))
    x = float(gap)
    for (text, colour), width in zip(parts, widths, strict=True):
        if colour:
            layer.rectangle((x, size * 0.6, x + size * 0.8, size * 1.4), fill=colour)
        layer.text((x + (size if colour else 0), size), text, font=face, fill="white", anchor="lm")
        x += width


def one_line(name: str) -> str:
    """A name as Pillow can measure and draw it: no line breaks, no control characters, not endless."""
    return "".join(character if character.isprintable() else " " for character in name)[:MAX_NAME]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


class AnnotatedVideo:
    """Writes annotated.mp4 (5 frames a second, MPEG-4 part 2) and annotated.jpg, the newest frame.

    Where this OpenCV cannot write such a video, each frame becomes a JPEG in the folder annotated/.

    Attributes:
        path: the video, or the folder of pictures.

    Args:
        folder: where to write.
        classes: K names of the states.
        draw: makes the picture of what was seen in a frame; regions and their states by default.
    """

    def __init__(
        self, folder: Path, classes: Sequence[str], *, draw: Callable[[Any, Sequence[str]], Image.Image] = draw_frame
    ) -> None:
        self._folder, self._classes, self._draw = folder, tuple(classes), draw
        self.path = folder / VIDEO
        self._partial = folder / f".{uuid4().hex[:8]}.{VIDEO}"  # without its end, which comes last, no player opens it
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def add(self, seen: Any) -> None:
        """Draw and write one frame: what `draw` takes."""
        picture = self._draw(seen, self._classes)
        if self._written == 0:
            self._open(picture.size)
        if self._writer is None:
            picture.save(self.path / f"{seen.frame.index:06d}.jpg", quality=90)
        else:
            if picture.size != self._size:
                picture = picture.resize(self._size)
            self._writer.write(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))
        picture.save(self._folder / PICTURE, quality=90)
        self._written += 1

    def close(self) -> None:
        """Finish the video; nothing is left behind when no frame came."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            self._partial.replace(self.path)

    def _open(self, size: tuple[int, int]) -> None:
        self._size = (size[0] - size[0] % 2, size[1] - size[1] % 2)  # colours are stored for 2 x 2 pixels
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._partial), code, FRAMES_A_SECOND, self._size) if min(self._size) else None
        if writer is not None and writer.isOpened():
            self._writer = writer
            return
        self._partial.unlink(missing_ok=True)
        self.path = self._folder / FOLDER
        self.path.mkdir(exist_ok=True)
