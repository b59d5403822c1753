"""Atomic writes leave the old file or the new one, and no litter."""

from __future__ import annotations

import json

import pytest

from vision_ft.files import atomic_path, write_atomic, write_json


def test_content_is_replaced_in_one_step_and_folders_are_made(tmp_path):
    target = tmp_path / "a" / "b.bin"
    write_atomic(target, b"one")
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert [path.name for path in target.parent.iterdir()] == ["b.bin"]


def test_a_failed_write_keeps_the_old_content_and_leaves_nothing(tmp_path):
    target = tmp_path / "model.bin"
    write_atomic(target, b"old")

    def fail_half_way():
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half of the new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_half_way()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_json_keeps_every_name_and_refuses_nan(tmp_path):
    names = ["Möwe", "<script>", "日本", b"caf\xe9".decode("utf-8", "surrogateescape")]
    write_json(tmp_path / "x.json", names)
    assert json.loads((tmp_path / "x.json").read_text("utf-8")) == names
    write_json(tmp_path / "y.json", names[:3])
    assert "Möwe" in (tmp_path / "y.json").read_text("utf-8")
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "z.json", float("nan"))
    assert not (tmp_path / "z.json").exists()
