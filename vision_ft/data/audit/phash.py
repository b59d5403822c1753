"""Perceptual hashes, and near-duplicates found with them among up to millions of images."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

HASH_SIDE = 32  # side of the grey image that is hashed
THUMB_SIDE = 16  # side of the grey thumbnail that a candidate pair is verified on

# Looked at on real images: all pairs within 4 bits (the median splits the bits evenly, so distances are even).
# - birds_cub20 (1191): none; the nearest two are 6 bits apart (two birds before a grey sky, correlation 0.95).
# - office_cameras (1410): 76 pairs. All 64 with a correlation >= 0.97 are the same shot again or the same product (the
#   last ones: 0.972 a monitor in two renderings, 0.977 two frames of one bicycle model); the others, 0.91-0.96, are
#   different bicycles and projectors on white.
# - parking_patches (1526): 827 pairs, all of one slot minutes apart with the same car or the same empty ground; 700
#   reach 0.97, in clusters of at most 6. magtile (692): 334 pairs, those seen were one tile under two exposures; 308
#   reach 0.97, in clusters of at most 12.
MAX_BITS = 4
MIN_CORRELATION = 0.97
# Grey levels of standard deviation of a thumbnail. Below, an image is plain (sky, darkness), its hash and correlation
# are noise, and only equal bytes make it a duplicate. The flattest image in a pair above has 7.0.
MIN_CONTRAST = 3.0
NUM_PARTS = 6  # of the hash: when 4 bits differ, at least 2 of 6 parts are equal, so 15 keys of two parts find all
MAX_NEIGHBOURS = 64  # compared with each image under one key; in larger heaps of like images, chains connect them

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Thumbs = npt.NDArray[np.uint8]


def perceptual_hashes(grey: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Return the 64-bit pHash of a (32, 32) grey image, and that of the image mirrored left to right.

    Signs of the low DCT frequencies around their median (Zauner 2010, "Implementation and benchmarking of perceptual
    image hash functions", sec. 3.2.1); here the 8 x 8 frequencies above the constant ones.
    """
    from scipy.fft import dctn  # here: it takes a second

    low = dctn(grey.astype(np.float32), norm="ortho")[1:9, 1:9]
    mirrored = low * np.array([-1, 1] * 4, dtype=np.float32)  # mirroring turns the sign of odd horizontal frequencies
    return _pack(low), _pack(mirrored)


def near_duplicate_clusters(hashes: Hashes, thumbs: Thumbs) -> Rows:
    """Return the cluster of each image, numbered by its first row, or -1 for an image like no other.

    Images linked by a chain of near-duplicate pairs form one cluster.

    Args:
        hashes: (N,) from `perceptual_hashes`.
        thumbs: (N, 256) grey thumbnails.
    """
    rows = np.flatnonzero(thumbs.std(axis=1, dtype=np.float32) >= MIN_CONTRAST)
    component = np.arange(len(rows))
    for left, right in _candidates(hashes[rows]):
        apart = component[left] != component[right]  # most pairs in a heap of like images are connected already
        left, right = left[apart], right[apart]
        alike = _correlation(thumbs[rows[left]], thumbs[rows[right]]) >= MIN_CORRELATION
        if alike.any():
            component = _join(component, left[alike], right[alike])
    cluster = np.full(len(hashes), -1, dtype=np.int64)
    common = np.bincount(component, minlength=1)[component] > 1
    cluster[rows[common]] = rows[component[common]]
    return cluster


def _join(component: Rows, left: Rows, right: Rows) -> Rows:
    """Return the components after the pairs are linked; a component is numbered by its first member."""
    from scipy.sparse import coo_array  # here: it takes a second
    from scipy.sparse.csgraph import connected_components

    num = len(component)
    links = coo_array((np.ones(len(left), dtype=np.int8), (component[left], component[right])), shape=(num, num))
    merged = connected_components(links, directed=False)[1]
    first = np.full(num, num, dtype=np.int64)
    np.minimum.at(first, merged, np.arange(num))
    return first[merged[component]]


def count_bits(values: Hashes) -> npt.NDArray[np.uint8]:
    """Return the number of set bits of each value."""
    octets = values.view(np.uint8).reshape(len(values), 8)
    return np.unpackbits(octets, axis=1).sum(axis=1, dtype=np.uint8)


def _pack(frequencies: npt.NDArray[np.float32]) -> int:
    """Return one bit a frequency: whether it lies above the median."""
    return int.from_bytes(np.packbits(frequencies > np.median(frequencies)).tobytes(), "big")


def _candidates(hashes: Hashes) -> Iterator[tuple[Rows, Rows]]:
    """Yield pairs of rows whose hashes differ in at most MAX_BITS bits; a pair may come more than once."""
    borders = np.linspace(0, 64, NUM_PARTS + 1).round().astype(int).tolist()
    spans = list(zip(borders[:-1], borders[1:], strict=True))
    for chosen in combinations(spans, 2):
        key_bits = sum(high - low for low, high in chosen)
        # the two parts move to the top, so one sort brings equal keys together, and equal hashes within them
        moved = _concatenate_bits(hashes, [*chosen, *(span for span in spans if span not in chosen)])
        order = np.argsort(moved)
        moved = moved[order]
        key = moved >> np.uint64(64 - key_bits)
        for offset in range(1, min(MAX_NEIGHBOURS + 1, len(order))):
            same_key = np.flatnonzero(key[offset:] == key[:-offset])
            if not len(same_key):
                break
            differing = count_bits(moved[same_key] ^ moved[same_key + offset])
            near = same_key[differing <= MAX_BITS]
            if len(near):
                yield order[near], order[near + offset]


def _concatenate_bits(values: Hashes, spans: list[tuple[int, int]]) -> Hashes:
    """Return the values with their bits [low, high) reordered, the first span on top."""
    result = np.zeros_like(values)
    for low, high in spans:
        part = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        result = (result << np.uint64(high - low)) | part
    return result


def _correlation(left: Thumbs, right: Thumbs) -> npt.NDArray[np.float32]:
    """Return the correlation of the grey values of each pair of thumbnails, blind to brightness and contrast."""
    one, other = left.astype(np.float32), right.astype(np.float32)
    one -= one.mean(axis=1, keepdims=True)
    other -= other.mean(axis=1, keepdims=True)
    norms = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.asarray((one * other).sum(axis=1) / np.maximum(norms, 1e-9), dtype=np.float32)
