"""Parse XML that strangers wrote: no document type, so no entities."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from xml.parsers import expat

from vision_ft.errors import DataError

# Python and .NET programs write these; the parser knows "utf-8" only, and takes other names for tables of 256 letters
_UTF8 = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]{0,99}?\sencoding\s*=\s*["']utf_?8["']""", re.IGNORECASE)


def parse_xml(data: bytes, source: str) -> ElementTree.Element:
    """Parse XML without a document type: entities, which can grow without bound or name files, cannot be declared.

    Raises:
        DataError: the XML is damaged, declares a document type, or an encoding that is not read.
    """
    builder = ElementTree.TreeBuilder()

    def refuse(*_: object) -> None:
        raise DataError(
            f"{source}: declares a document type (DOCTYPE), which is refused because of its entities. Remove it."
        )

    parser = expat.ParserCreate("utf-8" if _UTF8.match(data) else None)
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: builder.start(name, attributes)
    parser.EndElementHandler = lambda name: builder.end(name)
    parser.CharacterDataHandler = lambda text: builder.data(text)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as err:
        raise DataError(f"{source}: the XML is damaged ({err}).") from err
    except (LookupError, ValueError) as err:  # a name without a codec; one whose letters are several bytes
        raise DataError(f"{source}: declares an encoding that is not read ({err!s:.80}). Save it as UTF-8.") from err
    return builder.close()
