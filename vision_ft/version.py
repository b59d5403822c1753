"""The package's version, in a module of its own so that any part may read it."""

from __future__ import annotations

__version__ = "0.2.0"
