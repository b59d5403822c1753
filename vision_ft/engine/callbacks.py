"""What a run tells its caller while it works."""

from __future__ import annotations

import logging
from typing import Any, Protocol

log = logging.getLogger("vision_ft")


class Reporter(Protocol):
    """Listens to a run; the command line draws a progress bar, a script may stay silent."""

    def begin(self, what: str, total: int) -> None:
        """Some work on `total` images begins."""

    def advance(self, count: int) -> None:
        """`count` more images are done."""

    def end(self) -> None:
        """The work begun last is done."""

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch is over; `record` is its line in log.jsonl."""

    def say(self, text: str) -> None:
        """Something worth a line happened."""


class LogReporter:
    """Writes lines through `logging`, for use from Python."""

    def begin(self, what: str, total: int) -> None:
        """Log the work that begins."""
        log.info("%s: %d images", what, total)

    def advance(self, count: int) -> None:
        """Stay silent: a line a batch is too much for a log."""

    def end(self) -> None:
        """Stay silent: the epoch's line follows."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Log the epoch's numbers."""
        log.info("epoch %(epoch)d %(phase)s: train loss %(train_loss).4f, val loss %(val_loss).4f", record)

    def say(self, text: str) -> None:
        """Log the line."""
        log.info("%s", text)
