"""Augmentation: presets for one picture, mixup and cutmix for a batch."""
