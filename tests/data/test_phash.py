"""Near-duplicates: found among many, verified, and not seen where there are none."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image

from vision_ft.data.audit.phash import MAX_BITS, count_bits, near_duplicate_clusters, perceptual_hashes


def scene(seed: int, side: int = 64) -> Image.Image:
    """Smooth random structure, as photographs have."""
    coarse = np.random.default_rng(seed).integers(0, 255, (7, 7)).astype(np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def describe(image: Image.Image) -> tuple[int, np.ndarray]:
    tile = np.asarray(image.resize((32, 32), Image.Resampling.BOX))
    return perceptual_hashes(tile)[0], tile.reshape(16, 2, 16, 2).mean(axis=(1, 3)).round().astype(np.uint8).ravel()


def cluster(images: list[Image.Image]) -> list[int]:
    hashes, thumbs = zip(*map(describe, images), strict=True)
    return near_duplicate_clusters(np.array(hashes, dtype=np.uint64), np.array(thumbs)).tolist()


def test_scaled_brightened_and_noisy_copies_are_one_cluster() -> None:
    original = scene(1)
    array = np.asarray(original).astype(float)
    noisy = Image.fromarray((array + np.random.default_rng(0).normal(0, 4, array.shape)).clip(0, 255).astype(np.uint8))
    brighter = Image.fromarray((array * 0.8 + 30).astype(np.uint8))
    copies = [scene(2), original, original.resize((200, 150)), noisy, brighter, scene(3)]
    assert cluster(copies) == [-1, 1, 1, 1, 1, -1]


def test_different_scenes_plain_skies_and_dark_tiles_are_no_duplicates() -> None:
    rng = np.random.default_rng(0)
    skies = [Image.fromarray(rng.normal(200, 2, (64, 64)).clip(0, 255).astype(np.uint8)) for _ in range(20)]
    dark = [Image.fromarray(rng.integers(0, 4, (64, 64), dtype=np.uint8)) for _ in range(20)]
    assert set(cluster([scene(i) for i in range(100)] + skies + dark + [Image.new("L", (64, 64))] * 2)) == {-1}


def test_equal_hashes_alone_do_not_make_a_duplicate() -> None:
    first, second = describe(scene(1))[1], describe(scene(2))[1]
    hashes = np.array([5, 5], dtype=np.uint64)
    assert near_duplicate_clusters(hashes, np.array([first, second])).tolist() == [-1, -1]
    assert near_duplicate_clusters(hashes, np.array([first, first])).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_every_pair_within_the_bit_limit_is_found(seed: int) -> None:
    """Against all pairs compared one by one; thumbnails are equal, so the hash alone decides."""
    rng = np.random.default_rng(seed)
    num = 300
    hashes = rng.integers(0, 2**63, num, dtype=np.uint64)
    for row in range(1, num, 2):  # every second one is its neighbour with 1 to 6 bits turned
        hashes[row] = hashes[row - 1]
        for bit in rng.choice(64, rng.integers(1, 7), replace=False):
            hashes[row] ^= np.uint64(1) << np.uint64(bit)
    thumbs = np.tile(describe(scene(1))[1], (num, 1))
    distance = np.array([[bin(int(a ^ b)).count("1") for b in hashes] for a in hashes])
    expected = np.arange(num)
    for row in range(num):
        for other in np.flatnonzero(distance[row] <= MAX_BITS):
            expected[expected == expected[other]] = expected[row]
    found = near_duplicate_clusters(hashes, thumbs)
    pairs = {(i, j) for i in range(num) for j in range(i) if expected[i] == expected[j]}
    assert {(i, j) for i in range(num) for j in range(i) if found[i] >= 0 and found[i] == found[j]} == pairs
    assert 30 < len(pairs) < 150


def test_the_mirrored_hash_is_the_hash_of_the_mirrored_picture() -> None:
    tile = np.asarray(scene(4, side=32))
    assert perceptual_hashes(tile)[1] == perceptual_hashes(tile[:, ::-1])[0]


def test_bits_are_counted() -> None:
    assert count_bits(np.array([0, 1, 255, 2**63, 2**64 - 1], dtype=np.uint64)).tolist() == [0, 1, 8, 1, 64]


@pytest.mark.slow
def test_many_hashes_with_a_heap_of_equal_ones_take_a_bounded_time() -> None:
    rng = np.random.default_rng(0)
    num = 400_000
    hashes = rng.integers(0, 2**63, num, dtype=np.uint64)
    thumbs = rng.integers(0, 255, (num, 256), dtype=np.uint8)
    hashes[:50_000], thumbs[:50_000] = hashes[0], thumbs[0]  # a frozen camera
    hashes[300_000:], thumbs[300_000:] = hashes[200_000:300_000] ^ np.uint64(5), thumbs[200_000:300_000]
    start = time.perf_counter()
    found = near_duplicate_clusters(hashes, thumbs)
    took = time.perf_counter() - start
    assert (found[:50_000] == 0).all()
    assert (found[300_000:] == np.arange(200_000, 300_000)).all()
    assert took < 120, took  # 6 s; all pairs would be 80 billion
