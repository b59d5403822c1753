"""The size of an image from its header, upright, without decoding its pixels."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from vision_ft.data.images.decode import ImageError, available_formats, open_regular
from vision_ft.data.images.pillow import quiet_pillow, read_orientation


def read_size(path: Path) -> tuple[int, int] | None:
    """Return (width, height) in pixels after EXIF orientation; None when the file is no readable image."""
    try:
        with open_regular(path) as stream, quiet_pillow(), Image.open(stream, formats=available_formats()) as image:
            width, height = image.size
            return (height, width) if read_orientation(image) >= 5 else (width, height)
    except ImageError:
        return None
    except Exception:  # Pillow raises nearly any type on hostile bytes; the audit decodes the file and says why
        return None
