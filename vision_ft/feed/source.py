"""Open anything that gives frames: a video, a live stream, a folder of images, an image."""

from __future__ import annotations

from pathlib import Path

from vision_ft.data.images.decode import EXTENSIONS as IMAGE_EXTENSIONS
from vision_ft.feed.folder import FolderFeed
from vision_ft.feed.frames import Feed, parse_interval
from vision_ft.feed.video import EXTENSIONS as VIDEO_EXTENSIONS
from vision_ft.feed.video import VideoFeed, is_address

DEFAULT_INTERVAL_S = 1.0  # of a video; a parked car moves more slowly


def is_video(source: str | Path) -> bool:
    """Whether a source is an address or has a video's file extension."""
    return is_address(str(source)) or Path(source).suffix.lower() in VIDEO_EXTENSIONS


def open_feed(source: str | Path, *, every: str | float | None = None) -> Feed:
    """Open a source of frames.

    Args:
        source: a video file, an address (http, https, rtsp, rtsps, rtmp), a folder of frames, or an image.
        every: time between frames, such as "1s", "500ms" or "2m"; by default 1 s in a video, each image in a folder.

    Raises:
        FeedError: it cannot be opened, or holds no frame.
        RecipeError: `every` is no time.
    """
    every_s = None if every is None else parse_interval(every)
    path = Path(source)
    is_still = not is_address(str(source)) and (path.is_dir() or path.suffix.lower() in IMAGE_EXTENSIONS)
    if is_still:
        return FolderFeed(path, every_s=every_s)
    return VideoFeed(str(source), every_s=every_s or DEFAULT_INTERVAL_S)
