"""Boxes: matching as COCO does, curves, kinds of errors, predictions files, summaries."""
