"""A class in each label column by a trained multitask model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vision_ft.deploy.feeding import RegionStates
from vision_ft.deploy.options import Options
from vision_ft.deploy.predictor import ImagePredictor, View
from vision_ft.deploy.writers.table import TableWriter
from vision_ft.models.assemble import Classifier
from vision_ft.predictions import ColumnsPrediction
from vision_ft.types import MULTITASK, ClassSpace, LabelColumn, Preprocessing


class ColumnsPredictor(ImagePredictor[ColumnsPrediction]):
    """A trained multitask model, ready to use.

    Args:
        model: backbone and heads; put into evaluation mode.
        classes: names of all outputs, as in "species=robin".
        preprocessing: how images are prepared.
        columns: label columns, whose classes follow each other in the outputs.
        temperatures: of each column; divide the logits when calibrated probabilities are asked for.
        device: where the model computes.
    """

    task = MULTITASK
    takes = ("calibrated",)
    batch_size = 32

    def __init__(
        self,
        model: Classifier,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        columns: Sequence[LabelColumn],
        temperatures: Sequence[float],
        device: str = "cpu",
    ) -> None:
        super().__init__(model, classes=classes, preprocessing=preprocessing, device=device)
        self.columns, self.temperatures = tuple(columns), tuple(temperatures)
        self._sizes = [len(column.classes) for column in columns]

    @classmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> ColumnsPredictor:
        """Return the predictor of a model folder, with the columns and temperatures saved there."""
        return cls(
            model,
            classes=classes,
            preprocessing=preprocessing,
            columns=[LabelColumn(str(item["name"]), tuple(item["classes"])) for item in extra["tasks"]],
            temperatures=[float(one) for one in extra["temperatures"]],
            device=device,
        )

    def writer(self) -> TableWriter[ColumnsPrediction]:
        """Return the writer of `path,<the label columns>,<a column per output>`."""
        return TableWriter(
            task=self.task,
            columns=tuple(column.name for column in self.columns),
            cells=lambda found: list(found.labels),
            names=self.classes.names,
        )

    def region_states(self, options: Options) -> RegionStates:
        """Return how a region gets its class in each column."""
        return RegionStates(
            lambda images: np.asarray(self.outputs(images, options)), self.classes.names, columns=self.columns
        )

    def _forward(self, images: Tensor, options: Options) -> np.ndarray:
        parts = self.model(images).float().split(self._sizes, dim=1)
        factors = self.temperatures if options.calibrated else [1.0] * len(parts)
        shares = [(part / factor).softmax(dim=1) for part, factor in zip(parts, factors, strict=True)]
        return torch.cat(shares, dim=1).cpu().numpy()

    def _join(self, view: View, outputs: Iterable[np.ndarray], _options: Options) -> ColumnsPrediction:
        (scores,) = outputs
        parts = np.split(scores, np.cumsum(self._sizes)[:-1])
        return ColumnsPrediction(
            path=view.path,
            columns={one.name: one.classes[int(part.argmax())] for one, part in zip(self.columns, parts, strict=True)},
            scores=self._by_name(scores),
        )
