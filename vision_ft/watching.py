"""Watch a camera's feed with a trained model: load the model, read the regions, and do the work of `vision_ft.feed`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from vision_ft.deploy.options import Options, Tile, check_options
from vision_ft.deploy.predictor import Predictor, load_predictor
from vision_ft.deploy.several import SeveralPredictor
from vision_ft.errors import RecipeError
from vision_ft.feed.job import FeedResult, OnFrame, run_feed
from vision_ft.feed.measure_job import run_measures
from vision_ft.feed.region_files import read_regions
from vision_ft.feed.regions import RegionSet
from vision_ft.feed.source import is_video, open_feed

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

    A classifier answers for each region: the folder `out` gets states.csv (time_s, time, space, state, score,
    raw_state), occupancy.csv and occupancy.png. A model for boxes or masks answers for the frame: `out` gets counts.csv
    or shares.csv (time_s, time, frame, region, class, count or share), for the whole frame ("frame") and each region; a
    box belongs to the regions that its middle lies in. If asked for, there are annotated.mp4 and annotated.jpg. What
    was read is kept when the feed stops early.

    Args:
        run: a run folder with a classifier of region pictures, such as busy and free, or a model for boxes or masks.
        source: a video file, an address (http, https, rtsp, rtsps, rtmp), a folder of frames, or a picture.
        regions: file of regions (see `vision_ft.feed.region_files.read_regions`) or the regions; None for whole frames.
        every: time between frames, such as "1s", "500ms" or "2m"; by default 1 s in a video, each picture in a folder.
        smooth: classifier: frames to smooth the states over, 3 by default; 1 for none.
        annotate: also draw states, masks or boxes on the frames.
        tile: masks and boxes: "auto", True, False, or the side of a tile in pixels.
        threshold: boxes: score from which on a box counts; by default each class's own.
        out: folder to write; earlier results in it are replaced.
        device: where the model computes.
        on_frame: called after each frame with its states and the feed.

    Raises:
        DataError: the feed or the regions cannot be used, or a region lies outside the frame.
        ModelError: there is no model, or its files are damaged.
        RecipeError: a value cannot be used.
    """
    folder = Path(out)
    if folder.is_file() or folder.suffix.lower() == ".csv":
        raise RecipeError(f"out: {folder} is a file; a feed writes a folder with several files. Name a folder.")
    if isinstance(regions, str | Path):
        regions = read_regions(regions, picture=_picture_name(source))
    feed = open_feed(source, every=every)
    predictor = load_predictor(run, device=device)
    options = Options(tile=tile, threshold=threshold)
    check_options(options, task=predictor.task, takes=predictor.takes)
    if isinstance(predictor, SeveralPredictor):
        raise RecipeError(f"{run}: its model gives several labels a picture; a feed follows one state a region.")
    if isinstance(predictor, Predictor):
        classifier = predictor
        return run_feed(
            feed,
            folder,
            classify=lambda pictures: _classify(classifier, pictures),
            classes=classifier.classes.names,
            regions=regions,
            smooth=DEFAULT_SMOOTH if smooth is None else smooth,
            annotate=annotate,
            on_frame=on_frame,
        )
    if smooth is not None:
        raise RecipeError(f"smooth: got {smooth}; a model for {predictor.task} has no states to smooth. Leave it out.")
    return run_measures(
        feed,
        folder,
        look=lambda picture: predictor.predict(picture, tile=tile, threshold=threshold)[0],
        quantity="count" if predictor.task == "detection" else "share",
        classes=predictor.classes.names,
        regions=regions,
        annotate=annotate,
        on_frame=on_frame,
    )


def _picture_name(source: str | Path) -> str | None:
    """File name of a source that is one picture, whose regions a file of many pictures may hold."""
    return Path(source).name if not is_video(source) and Path(source).is_file() else None


def _classify(predictor: Predictor, pictures: Sequence[np.ndarray]) -> np.ndarray:
    return predictor.scores(torch.stack([predictor.prepare(picture) for picture in pictures]))
