"""The new-camera job: from a source run and new images to candidates, a decision and a run folder."""

from __future__ import annotations

from vision_ft.new_camera.job import adapt

__all__ = ["adapt"]
