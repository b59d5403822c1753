"""Augmentation: presets for one image, mixup and cutmix for a batch."""
