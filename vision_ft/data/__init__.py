"""Datasets as sample tables: reading, checking, splitting and decoding images. Importing it imports no torch."""

from __future__ import annotations
