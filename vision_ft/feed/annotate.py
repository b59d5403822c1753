"""Write frames with drawings as a video, or as images where no video can be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
from PIL import Image

VIDEO, IMAGE, FOLDER = "annotated.mp4", "annotated.jpg", "annotated"
FRAMES_A_SECOND = 5.0  # of the annotated video: quick to look through, slow enough to see a change


class AnnotatedVideo:
    """Writes annotated.mp4 (5 frames a second, MPEG-4 part 2) and annotated.jpg, the newest frame.

    Where this OpenCV cannot write such a video, each frame becomes a JPEG in the folder annotated/.

    Attributes:
        path: the video, or the folder of images.

    Args:
        folder: where to write.
        draw: makes the image of what was seen in a frame.
    """

    def __init__(self, folder: Path, draw: Callable[[Any], Image.Image]) -> None:
        self._folder, self._draw = folder, draw
        self.path = folder / VIDEO
        self._partial = folder / f".{uuid4().hex[:8]}.{VIDEO}"  # without its end, which comes last, no player opens it
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def add(self, seen: Any) -> None:
        """Draw and write one frame: what `draw` takes."""
        picture = self._draw(seen)
        if self._written == 0:
            self._open(picture.size)
        if self._writer is None:
            picture.save(self.path / f"{seen.frame.index:06d}.jpg", quality=90)
        else:
            if picture.size != self._size:
                picture = picture.resize(self._size)
            self._writer.write(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))
        picture.save(self._folder / IMAGE, quality=90)
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
