"""Watch a parking lot: python scripts/parking_lot.py RUN FEED spaces.json [every] [out].

RUN is a trained classifier of space images (see parking_occupancy.py), FEED a video, a stream's address or a folder
of frames. Printed is when a space changes its state; written are a table, a chart and an annotated video.
"""

from __future__ import annotations

import sys

import numpy as np

import vision_ft as vf
from vision_ft.feed.frames import Feed
from vision_ft.feed.watch import FrameStates

run, feed, spaces = sys.argv[1:4]
every = sys.argv[4] if len(sys.argv) > 4 else "1s"
out = sys.argv[5] if len(sys.argv) > 5 else "parking_lot"
names = vf.load(run).classes.names
last: list[np.ndarray] = []


def tell(seen: FrameStates, _feed: Feed) -> None:
    for place in np.flatnonzero(seen.states != last[-1]) if last else ():
        print(f"{seen.frame.time_s:8.1f} s  space {seen.regions[place].name} is {names[seen.states[place]]}")
    last[:] = [seen.states]


result = vf.watch(run, feed, regions=spaces, every=every, smooth=3, annotate=True, out=out, on_frame=tell)
print(f"{result.frames} frames; now {dict(result.counts)}; see {result.path / 'occupancy.png'} and {result.annotated}")
if result.stopped:
    print(f"stopped early, what was read is kept: {result.stopped}")
