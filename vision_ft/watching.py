"""Watch a camera's feed with a trained model: load the model, read the regions, and do the work of `vision_ft.feed`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vision_ft.deploy.feeding import RegionStates
from vision_ft.deploy.options import Options, Tile
from vision_ft.errors import RecipeError
from vision_ft.wiring.predictor import load_predictor

if TYPE_CHECKING:  # the feed is imported by who watches one, not by everybody who trains
    from vision_ft.feed.frames import Feed
    from vision_ft.feed.job import FeedResult, OnFrame
    from vision_ft.feed.regions import RegionSet

DEFAULT_SMOOTH = 3


def watch(  # noqa: PLR0913 - a public function: its options are its arguments, as in api.py
    run: str | Path,
    source: str | Path,
    *,
    regions: str | Path | RegionSet | None = None,
    every: str | float | None = None,
    smooth: int | None = None,
    annotate: bool = False,
    tile: Tile | None = None,
    threshold: float | None = None,
    out: str | Path = "feed",
    device: str = "cpu",
    on_frame: OnFrame | None = None,
) -> FeedResult:
    """Predict what a camera sees over time, and write tables, a chart and annotated frames.

    A model for labels predicts each region: the folder `out` gets states.csv, occupancy.csv and occupancy.png. Of one
    class per region, states.csv has time_s, time, space, state, score, raw_state; of several label columns a line for
    each with `column` before these; of sets of labels time_s, time, space, labels, raw_labels and score_<label>. A
    model for boxes or masks predicts the frame: `out` gets counts.csv or shares.csv (time_s, time, frame, region,
    class, count or share), for the whole frame ("frame") and each region; a box belongs to the regions that its middle
    lies in. If asked for, there are annotated.mp4 and annotated.jpg. What was read is kept when the feed stops early.

    Args:
        run: a run folder with a model for the labels of regions, such as busy and free, or for boxes or masks.
        source: a video file, an address (http, https, rtsp, rtsps, rtmp), a folder of frames, or an image.
        regions: file of regions (see `vision_ft.feed.region_files.read_regions`) or the regions; None for whole frames.
        every: time between frames, such as "1s", "500ms" or "2m"; by default 1 s in a video, each image in a folder.
        smooth: labels: frames to smooth the states over, 3 by default; 1 for none.
        annotate: also draw states, masks or boxes on the frames.
        tile: masks and boxes: "auto", True, False, or the side of a tile in pixels.
        threshold: boxes and sets of labels: score from which on one counts; by default each class's own.
        out: folder to write; earlier results in it are replaced.
        device: where the model computes.
        on_frame: called after each frame with its states or values and the feed.

    Raises:
        DataError: the feed or the regions cannot be used, or a region lies outside the frame.
        ModelError: there is no model, or its files are damaged.
        RecipeError: a value cannot be used.
    """
    from vision_ft.feed.measure_job import run_measures
    from vision_ft.feed.region_files import read_regions
    from vision_ft.feed.source import open_feed

    folder = Path(out)
    if folder.is_file() or folder.suffix.lower() == ".csv":
        raise RecipeError(f"out: {folder} is a file; a feed writes a folder with several files. Name a folder.")
    if isinstance(regions, str | Path):
        regions = read_regions(regions, picture=_file_name(source))
    feed = open_feed(source, every=every)
    predictor = load_predictor(run, device=device)
    options = Options(tile=tile, threshold=threshold)
    predictor.check(options)
    states = predictor.region_states(options)
    if states is not None:
        return _follow(feed, folder, states, regions=regions, smooth=smooth, annotate=annotate, on_frame=on_frame)
    values = predictor.frame_values(options)
    if values is None:
        raise RecipeError(f"{run}: a feed follows states, masks or boxes; a model for {predictor.task} gives none.")
    if smooth is not None:
        raise RecipeError(f"smooth: got {smooth}; a model for {predictor.task} has no states to smooth. Leave it out.")
    return run_measures(feed, folder, values=values, regions=regions, annotate=annotate, on_frame=on_frame)


def _follow(
    feed: Feed,
    folder: Path,
    states: RegionStates,
    *,
    regions: RegionSet | None,
    smooth: int | None,
    annotate: bool,
    on_frame: OnFrame | None,
) -> FeedResult:
    from vision_ft.feed.job import run_feed
    from vision_ft.feed.states import states_of

    return run_feed(
        feed,
        folder,
        classify=states.scores,
        states=states_of(states),
        regions=regions,
        smooth=DEFAULT_SMOOTH if smooth is None else smooth,
        annotate=annotate,
        on_frame=on_frame,
    )


def _file_name(source: str | Path) -> str | None:
    """File name of a source that is one image, whose regions a file of many images may hold."""
    from vision_ft.feed.source import is_video

    return Path(source).name if not is_video(source) and Path(source).is_file() else None
