"""SIGTERM as a request: save at the next safe point, then exit 143."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

EXIT_TERMINATED = 128 + signal.SIGTERM  # 143, what a shell reports for a process ended by SIGTERM


class Terminated(SystemExit):
    """The run was asked to end; its state is saved."""

    def __init__(self) -> None:
        super().__init__(EXIT_TERMINATED)


class StopRequest:
    """Context manager that turns SIGTERM into a flag."""

    def __init__(self) -> None:
        self.requested = False
        self._previous: object = None
        self._installed = False

    def __enter__(self) -> Self:
        # handlers can be set in the main thread only; elsewhere (a notebook's worker, a server) the default stays
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._request)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGTERM, self._previous)  # type: ignore[arg-type]

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
