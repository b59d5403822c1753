"""Datasets as sample tables: reading, checking, splitting and decoding pictures. Importing it imports no torch."""

from __future__ import annotations
