"""How the tests are spread: the whole suite over all cores, a chosen part of it in one process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

MOST_WORKERS = 8  # each worker holds a torch of its own, and the longest file sets the end anyway


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of workers for `-n auto`: 0, no workers at all, where paths were named.

    Starting workers costs more than a file of tests does, and hides its prints; `-n 4 tests/engine` still spreads it.
    """
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return 0
    # As many workers as cores are there already: threads of torch would only wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return min(_num_cores(), MOST_WORKERS)


def _num_cores() -> int:
    """Cores that this process may use; a container may have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@pytest.fixture(scope="session", autouse=True)
def _cache_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the fixtures of a file a cache too: not the user's own, and none that another worker writes.

    Each test has one of its own besides (tests/conftest.py), set after the wider fixtures ran.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISION_FT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
