"""Where results that may be recomputed are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache folder: $VISION_FT_CACHE, or ~/.cache/vision_ft; it may not exist yet."""
    chosen = os.environ.get("VISION_FT_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "vision_ft"
