"""SampleTable: columns, files, names of any bytes, cheap pickles, a million rows."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vision_ft.data.names import escape_name, unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace


def small(root: Path = Path("/data"), **columns: object) -> SampleTable:
    given: dict = {"paths": ["a/1.jpg", "a/2.jpg", "b/1.jpg"], "labels": [0, 0, 1], "classes": ClassSpace(("a", "b"))}
    return SampleTable.build(root=root, **(given | columns))


def test_rows_columns_and_paths() -> None:
    table = small(splits=["train", None, "val"])
    assert (len(table), table.label(2), table.relative_path(1)) == (3, 1, "a/2.jpg")
    assert table.path(2) == Path("/data/b/1.jpg")
    assert table.labels.tolist() == [0, 0, 1]
    assert table.splits.tolist() == ["train", None, "val"]
    assert table.rows("val").tolist() == [2]
    assert table.rows("test").tolist() == []
    assert table.groups is None
    with pytest.raises(DataError, match="split 'holdout' is not one of train, val, test"):
        table.rows("holdout")


def test_with_column_and_take_give_new_tables() -> None:
    table = small(groups=["x", None, "y"])
    more = table.with_column("brightness", np.array([0.1, 0.2, 0.3], np.float32)).take([2, 0])
    assert more.arrow.column("brightness").to_pylist() == pytest.approx([0.3, 0.1])
    assert more.groups is not None
    assert more.groups.tolist() == ["y", "x"]
    assert table.take(np.array([True, False, True])).labels.tolist() == [0, 1]
    assert "brightness" not in table.arrow.column_names
    assert more.with_column("label", [1, 1]).arrow.schema.field("label").type == pa.int32()


def test_a_written_table_reads_back_equal_and_can_move(tmp_path: Path) -> None:
    table = small(splits=["train", "train", "val"], extra={"mask": pa.array(["m1", "m2", "m3"])})
    table.write(tmp_path / "run" / "data.parquet")
    back = SampleTable.read(tmp_path / "run" / "data.parquet")
    assert back.arrow.equals(table.arrow)
    assert (back.root, back.classes, back.task) == (table.root, table.classes, table.task)
    assert back.fingerprint() == table.fingerprint()
    assert SampleTable.read(tmp_path / "run" / "data.parquet", root=Path("/moved")).path(0) == Path("/moved/a/1.jpg")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["data.parquet"]


@pytest.mark.parametrize("column", ["label", "split", "path"])
def test_the_fingerprint_sees_each_change(column: str) -> None:
    table = small(splits=["train", "train", "val"])
    changed = {"label": [1, 0, 1], "split": ["val", "train", "val"], "path": ["a/9.jpg", "a/2.jpg", "b/1.jpg"]}
    assert table.with_column(column, changed[column]).fingerprint() != table.fingerprint()


def test_damaged_foreign_and_newer_files_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    with pytest.raises(DataError, match="data.parquet: no such file"):
        SampleTable.read(file)
    small().write(file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="data.parquet: not a sample table, or cut or damaged"):
        SampleTable.read(file)
    pq.write_table(pa.table({"x": [1]}), file)
    with pytest.raises(DataError, match="a Parquet file, but not a sample table"):
        SampleTable.read(file)
    newer = small().arrow.replace_schema_metadata(
        {b"vision_ft": b'{"format_version": 99, "root": "/", "classes": [], "task": "classification"}'}
    )
    pq.write_table(newer, file)
    with pytest.raises(DataError, match="format version 99 .* reads up to version 1"):
        SampleTable.read(file)


@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg", "a/.."])
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    with pytest.raises(DataError, match=r"row 1: path .* leaves the data folder /data"):
        small(paths=["a/1.jpg", path, "b/1.jpg"])
    assert small(paths=["a/1.jpg", "a..b/..c/x...jpg", "b/1.jpg"]).relative_path(1) == "a..b/..c/x...jpg"


def test_a_label_without_a_class_is_refused() -> None:
    with pytest.raises(DataError, match=r"b/1.jpg: label 2, but the 2 classes are numbered 0..1"):
        small(labels=[0, -1, 2])


@pytest.mark.parametrize(
    "name", [b"plain.jpg", b"caf\xe9.jpg", b"back\\slash\\x41.jpg", "日本\U0001f431.jpg".encode(), b"\xff\xfe"]
)
def test_any_name_survives_as_text(name: bytes, tmp_path: Path) -> None:
    text = escape_name(os.fsdecode(name))
    text.encode("utf-8")  # must not raise
    assert os.fsencode(unescape_name(text)) == name
    small(paths=["a", "b", os.fsdecode(name)]).write(tmp_path / "t.parquet")
    assert os.fsencode(SampleTable.read(tmp_path / "t.parquet").path(2)).endswith(b"/" + name)


def test_a_table_can_lie_in_folders_whose_names_are_not_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9sum\xe9"))
    small(root=folder).write(folder / "data.parquet")
    assert SampleTable.read(folder / "data.parquet").root == folder


def test_a_pickle_is_small_and_maps_the_columns_in_another_process(tmp_path: Path) -> None:
    num = 50_000
    table = small(paths=[f"a/{i:08d}.jpg" for i in range(num)], labels=np.arange(num) % 2)
    pickled = pickle.dumps(table)
    assert len(pickled) < 2000
    assert pickle.dumps(table) == pickled  # spilled once
    (tmp_path / "t.pickle").write_bytes(pickled)
    code = (
        "import pickle, sys, pyarrow as pa; t = pickle.load(open(sys.argv[1], 'rb'));"
        "print(len(t), t.label(49999), t.path(49999), pa.total_allocated_bytes() < 200_000)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "t.pickle")], check=True, capture_output=True, text=True
    )
    assert answer.stdout.split() == ["50000", "1", "/data/a/00049999.jpg", "True"]
    spilled = Path(table._spilled or "")
    assert spilled.is_file()
    del table
    assert not spilled.exists()
    with pytest.raises(DataError, match="lives only as long as the process that pickled it"):
        pickle.loads(pickled)


@pytest.mark.slow
def test_a_million_rows_are_built_written_and_read_in_seconds(tmp_path: Path) -> None:
    num = 1_000_000
    paths = [f"train/class_{i % 100}/picture_{i:07d}.jpg" for i in range(num)]
    start = time.perf_counter()
    classes = ClassSpace(tuple(f"class_{i}" for i in range(100)))
    table = SampleTable.build(root=tmp_path, paths=paths, labels=np.arange(num) % 100, classes=classes)
    table.write(tmp_path / "data.parquet")
    back = SampleTable.read(tmp_path / "data.parquet")
    pickled = pickle.dumps(back)
    took = time.perf_counter() - start
    assert (len(back), back.relative_path(num - 1)) == (num, paths[-1])
    assert len(pickled) < 20_000
    assert took < 20, took  # about 1 s on two free cores
