"""Say what a file really is when it is not an image of an allowed format."""

from __future__ import annotations

from collections.abc import Sequence

# First bytes of what people find among their images; the advice follows the name.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a git-lfs pointer, not the image; run 'git lfs pull'"),
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"%PDF", "a PDF document; save its pages as PNG"),
    (b"%!PS", "an EPS/PostScript drawing; save it as PNG"),
    (b"\xc5\xd0\xd3\xc6", "an EPS/PostScript drawing; save it as PNG"),
    (b"<svg", "an SVG drawing; save it as PNG"),
    (b"<?xml", "an XML file, perhaps an SVG drawing; save it as PNG"),
    (b"<!doctype html", "a web page, perhaps a failed download"),
    (b"<html", "a web page, perhaps a failed download"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"qoif", "a QOI image, an unsupported format; save it as PNG"),
    (b"SIMPLE  =", "a FITS image, an unsupported format; save it as PNG or 16-bit TIFF"),
    (b"8BPS", "a Photoshop file, an unsupported format; save it as PNG"),
    (b"\x00\x00\x01\x00", "an ICO icon, an unsupported format; save it as PNG"),
    (b"icns", "an ICNS icon, an unsupported format; save it as PNG"),
    (b"\x01\xda", "an SGI image, an unsupported format; save it as PNG"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 image, an unsupported format; save it as PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image, an unsupported format; save it as PNG"),
    (b"\x00\x00\x00\x01Bud1", "a macOS folder file (.DS_Store)"),
    (b"\x00\x05\x16\x07", "a macOS resource file, not the image itself"),
    (b"\x80\x04", "a Python pickle"),
)
ISO_BRANDS = {  # bytes 4..12 of the ISO base media container, after its length
    b"ftypheic": "a HEIF/HEIC image, for which there is no decoder here; save it as JPEG",
    b"ftypheix": "a HEIF/HEIC image, for which there is no decoder here; save it as JPEG",
    b"ftypmif1": "a HEIF image, for which there is no decoder here; save it as JPEG",
    b"ftypavif": "an AVIF image, damaged or without a decoder in this Pillow; save it as JPEG",
    b"ftypqt  ": "a video; save its frames as images",
    b"ftypisom": "a video; save its frames as images",
    b"ftypmp42": "a video; save its frames as images",
}
IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")


def describe_non_picture(head: bytes, *, allowed: Sequence[str]) -> tuple[str, str]:
    """Return the audit's (kind, reason) for a file with these first bytes (up to 4096)."""
    if not head:
        return "empty-file", "the file is empty (0 bytes); an interrupted copy or download?"
    if not any(head):
        return "corrupt", "all bytes are zero; an interrupted copy? Copy it again."
    if head.startswith(IMAGE_STARTS):
        return "corrupt", "starts like an image, but its header is damaged; copy it again."
    found = ISO_BRANDS.get(head[4:12])
    found = found or next((text for start, text in SIGNATURES if head.lstrip().lower().startswith(start.lower())), None)
    return "not-a-picture", f"{found or 'not an image'}. Unsupported format; allowed are {', '.join(allowed)}."
