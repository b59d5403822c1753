r"""File names as text that every file format can hold, and back to the very same bytes.

A name on disk is bytes. What is not valid UTF-8 in it becomes `\xNN`, and a backslash becomes `\x5c`, so the text can
be written to Parquet, JSON, CSV and HTML, and `unescape_name` gives the original name again.
"""

from __future__ import annotations

import os
import re

_NEEDS_ESCAPE = re.compile("[\\\\\udc80-\udcff]")  # a backslash, and Python's stand-ins for undecodable bytes
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


def escape_name(name: str) -> str:
    """Return `name` (as the os module gives it, with surrogate escapes) as valid UTF-8 text."""
    if name.isascii() and "\\" not in name:
        return name
    return _NEEDS_ESCAPE.sub(lambda hit: f"\\x{ord(hit[0]) & 0xFF:02x}", name)


def unescape_name(text: str) -> str:
    """Return the name that `escape_name` made `text` from."""
    if "\\" not in text:
        return text
    return os.fsdecode(_ESCAPE.sub(lambda hit: bytes([int(hit[1], 16)]), text.encode()))
