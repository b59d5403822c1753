"""The loops that bench_dense.py holds the package against: smp's Unet and torchvision's detection reference.

Both read the same images of the same splits, squashed to the same size, start from the same weights, see each
training image as often, keep the best epoch on val, and are judged on test by the same code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A
import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models import resnet18
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from vision_ft.data.images.decode import decode
from vision_ft.data.table import SampleTable
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.models.weights import read_state_dict
from vision_ft.types import Preprocessing
from vision_ft.wiring.targets import build_targets

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Setting:
    """What a reference loop is given: `size` is (H, W) in pixels."""

    table: SampleTable
    weights: str
    size: tuple[int, int]
    epochs: int
    batch_size: int
    seed: int
    device: str

    def truth(self) -> Any:
        """Return the masks or boxes of the images."""
        preprocessing = Preprocessing((3, *self.size), 1.0, "squash", "bilinear", MEAN, STD)
        return build_targets(self.table, preprocessing, keep_bytes=2**30)

    def body(self) -> dict[str, torch.Tensor]:
        """Return the backbone's weights; timm and torchvision name those of a ResNet alike."""
        return {key: value for key, value in read_state_dict(self.weights).items() if not key.startswith("fc.")}


class Pictures(Dataset[Any]):
    """Rows of a table, prepared by a function of image (H, W, 3) uint8 and row."""

    def __init__(self, table: SampleTable, rows: np.ndarray, prepare: Callable[[np.ndarray, int], Any]) -> None:
        self.table, self.rows, self.prepare = table, rows, prepare
        self._decoded: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        """Return what `prepare` makes of an image; decoded images stay in memory, as ours do."""
        row = int(self.rows[index])
        if row not in self._decoded:
            self._decoded[row] = np.asarray(decode(self.table.path(row), channels=3))
        return self.prepare(self._decoded[row], row)


def normalise(image: np.ndarray) -> torch.Tensor:
    """Return an image (H, W, 3) uint8 as a normalised tensor."""
    scaled = (image.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(scaled.transpose(2, 0, 1).copy())


def train_unet(setting: Setting, judge: Callable[[Callable[[np.ndarray], Any], str], dict[str, float]]) -> nn.Module:
    """Train smp's Unet as its CamVid example does (Adam 2e-4, cosine), with our loss of cross-entropy and Dice.

    Args:
        setting: images, weights, size, epochs.
        judge: answers (image -> logits (K, h, w)) and split -> metrics; called on val after each epoch.
    """
    from vision_ft.tasks.segmentation_losses import build_mask_loss

    torch.manual_seed(setting.seed)
    height, width = setting.size
    truth = setting.truth()
    model = smp.Unet("resnet18", encoder_weights=None, classes=len(setting.table.classes)).to(setting.device)
    model.encoder.load_state_dict(setting.body())
    augment = A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.RandomResizedCrop((height, width), scale=(0.35, 1.0), mask_interpolation=cv2.INTER_NEAREST),
            A.RandomBrightnessContrast(0.15, 0.15, p=0.5),
        ],
        seed=setting.seed,
    )

    def prepare(picture: np.ndarray, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        moved = augment(image=picture, mask=truth.read(row))
        mask = torch.from_numpy(moved["mask"].astype(np.int64))
        return normalise(moved["image"]), mask.masked_fill_(mask == 255, -1)

    rows = setting.table.rows("train")
    loader = DataLoader(Pictures(setting.table, rows, prepare), setting.batch_size, shuffle=True)
    loss_of = build_mask_loss("ce-dice", class_weights=None)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, setting.epochs * len(loader), eta_min=1e-5)

    def epoch() -> None:
        model.train()
        for images, masks in loader:
            optimizer.zero_grad()
            loss_of(model(images.to(setting.device)), masks.to(setting.device)).backward()
            optimizer.step()
            schedule.step()

    return keep_best(model, setting.epochs, epoch, lambda: judge(mask_answers(model, setting), "val")["miou"])


def mask_answers(model: nn.Module, setting: Setting) -> Callable[[np.ndarray], torch.Tensor]:
    """Return image (H, W, 3) -> logits (K, h, w)."""

    @torch.inference_mode()
    def answer(picture: np.ndarray) -> torch.Tensor:
        model.eval()
        small = cv2.resize(picture, setting.size[::-1], interpolation=cv2.INTER_AREA)
        logits: torch.Tensor = model(normalise(small)[None].to(setting.device))[0].cpu()
        return logits

    return answer


def train_faster_rcnn(setting: Setting, judge: Callable[[Callable[[np.ndarray], Any], str], dict[str, float]]) -> Any:
    """Train torchvision's Faster R-CNN as its references/detection/train.py does.

    SGD with the rate scaled to the batch (0.02 for 16 images), momentum 0.9, weight decay 1e-4, a warm-up over the
    first epoch, tenths at 16/26 and 22/26 of the epochs, mirrored images, frozen BatchNorm, three trainable stages.
    """
    torch.manual_seed(setting.seed)
    truth = setting.truth()
    body = resnet18(norm_layer=FrozenBatchNorm2d)
    counters = {key: value for key, value in setting.body().items() if not key.endswith("num_batches_tracked")}
    body.load_state_dict(counters, strict=False)
    backbone = _resnet_fpn_extractor(body, trainable_layers=3)
    short, long = min(setting.size), max(setting.size)
    model: Any = FasterRCNN(backbone, len(setting.table.classes) + 1, min_size=short, max_size=long).to(setting.device)
    rng = np.random.default_rng(setting.seed)

    def prepare(picture: np.ndarray, row: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        boxes, labels = truth.read(row)
        if rng.random() < 0.5:
            picture, boxes = picture[:, ::-1], boxes.copy()
            boxes[:, [0, 2]] = picture.shape[1] - boxes[:, [2, 0]]
        image = torch.from_numpy(picture.transpose(2, 0, 1).copy()).float() / 255
        return image, {"boxes": torch.from_numpy(boxes), "labels": torch.from_numpy(labels) + 1}

    pictures = Pictures(setting.table, setting.table.rows("train"), prepare)
    loader: Any = DataLoader(pictures, setting.batch_size, shuffle=True, collate_fn=lambda items: tuple(zip(*items)))  # noqa: B905
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.02 * setting.batch_size / 16, momentum=0.9, weight_decay=1e-4)
    steps = [round(setting.epochs * share) for share in (16 / 26, 22 / 26)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, steps)
    done = [0]

    def epoch() -> None:
        model.train()
        warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / 1000, total_iters=max(len(loader) - 1, 1))
        for images, targets in loader:
            moved = [{key: value.to(setting.device) for key, value in target.items()} for target in targets]
            losses = model([image.to(setting.device) for image in images], moved)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            if not done[0]:
                warmup.step()
        done[0] += 1
        schedule.step()

    return keep_best(model, setting.epochs, epoch, lambda: judge(box_answers(model, setting), "val")["map50"])


def box_answers(model: Any, setting: Setting) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return image (H, W, 3) -> boxes (M, 4) in its pixels, scores (M,), class indices (M,)."""

    @torch.inference_mode()
    def answer(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        model.eval()
        image = torch.from_numpy(picture.transpose(2, 0, 1).copy()).float() / 255
        found = model([image.to(setting.device)])[0]
        return found["boxes"].cpu().numpy(), found["scores"].cpu().numpy(), found["labels"].cpu().numpy() - 1

    return answer


def keep_best(model: nn.Module, epochs: int, epoch: Callable[[], None], value: Callable[[], float]) -> nn.Module:
    """Train, and end with the weights of the epoch that val likes best."""
    best, weights = -1.0, None
    for _ in range(epochs):
        epoch()
        found = value()
        if found > best:
            best, weights = found, {key: tensor.clone() for key, tensor in model.state_dict().items()}
    if weights is not None:
        model.load_state_dict(weights)
    return model


def collect_boxes(setting: Setting, rows: np.ndarray, answer: Callable[[np.ndarray], Any]) -> BoxPredictions:
    """Answer rows and put the boxes beside the true ones, in the pixels of the images."""
    truth, table = setting.truth(), setting.table
    true = [truth.read_all(int(row)) for row in rows]
    found, sizes = [], []
    for row in rows:
        picture = np.asarray(decode(table.path(int(row)), channels=3))
        sizes.append(picture.shape[:2])
        found.append(answer(picture))
    return BoxPredictions(
        classes=table.classes.names,
        paths=[table.relative_path(int(row)) for row in rows],
        sizes=np.array(sizes),
        boxes=[one[0] for one in found],
        scores=[one[1] for one in found],
        labels=[one[2] for one in found],
        target_boxes=[one[0] for one in true],
        target_labels=[one[1] for one in true],
        ignored=[one[2] for one in true],
    )
