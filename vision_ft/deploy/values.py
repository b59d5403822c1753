"""The numbers that a trained regression model predicts for images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from vision_ft.deploy.options import Options
from vision_ft.deploy.predictor import ImagePredictor, View
from vision_ft.deploy.writers.table import TableWriter
from vision_ft.models.assemble import Classifier
from vision_ft.types import REGRESSION, ClassSpace, Preprocessing


@dataclass(frozen=True, repr=False)
class ValuePrediction:
    """The predicted numbers of an image.

    Attributes:
        path: the image's file, or "" for one given in memory.
        values: target -> predicted value, in the units of the target.
    """

    path: str
    values: Mapping[str, float]

    @property
    def value(self) -> float:
        """The value of the first target, which is the only one of most models."""
        return next(iter(self.values.values()))

    @property
    def scores(self) -> Mapping[str, float]:
        """The values, under the name that outputs of other tasks have."""
        return self.values

    def __repr__(self) -> str:
        """As in ValuePrediction('a.jpg', cells 12.3)."""
        where = f"{self.path!r}, " if self.path else ""
        return f"ValuePrediction({where}{', '.join(f'{name} {value:.4g}' for name, value in self.values.items())})"


class ValuePredictor(ImagePredictor[ValuePrediction]):
    """A trained regression model, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: names of the targets in the order of the outputs.
        preprocessing: how images are prepared.
        device: where the model computes.
    """

    task = REGRESSION
    takes = ()
    batch_size = 32

    model: Classifier

    @classmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> ValuePredictor:
        """Return the predictor of a model folder."""
        del extra
        return cls(model, classes=classes, preprocessing=preprocessing, device=device)

    def writer(self) -> TableWriter[ValuePrediction]:
        """Return the writer of `path,<a column per target>`."""
        names = self.classes.names
        return TableWriter(
            task=self.task,
            columns=names,
            cells=lambda found: [f"{found.values[name]:.6g}" for name in names],
            names=(),
        )

    def _forward(self, images: Tensor, _options: Options) -> np.ndarray:
        values: np.ndarray = self.model(images).float().cpu().numpy()
        return values

    def _join(self, view: View, outputs: Iterable[np.ndarray], _options: Options) -> ValuePrediction:
        (values,) = outputs
        return ValuePrediction(
            path=view.path,
            values=self._by_name(values),
        )
