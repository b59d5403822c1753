"""Our predictions file round trip, and other tools' files with the errors they deserve."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.foreign import read_foreign
from vision_ft.evaluate.classification.predictions import Predictions, read_predictions, write_predictions


def example(**changes) -> Predictions:
    values = {
        "classes": ("<script>", "b, c"),
        "paths": ["x/1.jpg", "x/\udcff.jpg".encode("utf-8", "surrogateescape").decode("utf-8", "replace")],
        "targets": np.array([0, -1]),
        "predicted": np.array([0, 1]),
        "scores": np.array([[0.75, 0.25], [0.0, 1.0]], np.float32),
        "groups": np.array(["cam", None], dtype=object),
        "ids": np.array([7, 9]),
        "temperature": 1.5,
    }
    return Predictions(**(values | changes))


def test_what_is_written_is_read_back(tmp_path):
    file, given = tmp_path / "test.parquet", example()
    write_predictions(file, given)
    back = read_predictions(file)
    assert (back.classes, list(back.paths), back.temperature) == (given.classes, list(given.paths), 1.5)
    for name in ("targets", "predicted", "scores", "groups", "ids"):
        assert (getattr(back, name) == getattr(given, name)).all(), name
    assert [path.name for path in tmp_path.iterdir()] == ["test.parquet"]


def test_columns_are_those_of_the_contract(tmp_path):
    write_predictions(tmp_path / "val.parquet", example())
    schema = pq.read_schema(tmp_path / "val.parquet")
    assert schema.names == ["id", "path", "target", "predicted", "scores", "group"]
    assert schema.field("scores").type == pa.list_(pa.float32())


def test_scores_groups_and_rows_may_be_absent(tmp_path):
    file = tmp_path / "p.parquet"
    write_predictions(file, example(scores=None, groups=None, ids=None))
    back = read_predictions(file)
    assert (back.scores, back.groups, back.ids.tolist()) == (None, None, [0, 1])
    empty = np.zeros(0, np.int64)
    write_predictions(
        file, example(paths=[], targets=empty, predicted=empty, scores=np.zeros((0, 2)), groups=None, ids=None)
    )
    assert len(read_predictions(file)) == 0


def test_confidence_is_calibrated():
    assert example(temperature=1.0).confidence() == pytest.approx([0.75, 1.0])
    assert example(temperature=2.0).confidence()[0] == pytest.approx(3**0.5 / (1 + 3**0.5))


def test_a_cut_file_a_missing_file_and_a_newer_format_are_named(tmp_path):
    file = tmp_path / "test.parquet"
    with pytest.raises(DataError, match="no such predictions file"):
        read_predictions(file)
    write_predictions(file, example())
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataError, match="cut or damaged"):
        read_predictions(file)
    table = pa.table({"path": ["a"]}).replace_schema_metadata({b"vision_ft": b'{"format_version": 99}'})
    pq.write_table(table, file)
    with pytest.raises(DataError, match="newer vision-ft .format 99"):
        read_predictions(file)


def write(tmp_path, text: str, name: str = "p.csv"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_csv_with_predicted_keeps_names_that_look_like_numbers_or_nothing(tmp_path):
    read = read_foreign(write(tmp_path, "path,target,predicted\na.jpg,10,2\nb.jpg,NA,NA\nc.jpg,,2\n"))
    assert read.classes == ("2", "10", "NA")
    assert read.targets.tolist() == [1, 2, -1]
    assert read.predicted.tolist() == [0, 2, 0]
    assert read.scores is None


def test_csv_with_scores_takes_the_most_probable_class(tmp_path):
    text = '\ufeffpath;target;score_cat;score_dog, big\na.jpg;cat;0.9;0.1\n"b;1.jpg";cat;0.2;0.8\n'
    read = read_foreign(write(tmp_path, text))
    assert read.classes == ("cat", "dog, big")
    assert read.predicted.tolist() == [0, 1]
    assert read.paths == ["a.jpg", "b;1.jpg"]
    assert read.confidence() == pytest.approx([0.9, 0.8])


def test_score_lists_and_confidences_are_read(tmp_path):
    text = 'path,target,predicted,scores,group\na.jpg,x,x,"[0.7, 0.3]",cam\nb.jpg,y,x,"[0.6, 0.4]",\n'
    read = read_foreign(write(tmp_path, text))
    assert read.scores == pytest.approx(np.array([[0.7, 0.3], [0.6, 0.4]]), abs=1e-6)
    assert read.groups.tolist() == ["cam", None]
    read = read_foreign(write(tmp_path, "path,target,predicted,confidence\na.jpg,x,x,0.7\n"))
    assert read.confidence().tolist() == [0.7]


def test_parquet_of_another_tool_and_our_own_are_both_read(tmp_path):
    file = tmp_path / "p.parquet"
    pq.write_table(pa.table({"path": ["a"], "target": [3], "predicted": [4]}), file)
    assert read_foreign(file).classes == ("3", "4")
    write_predictions(file, example())
    assert read_foreign(file).temperature == 1.5


def test_a_target_that_the_model_does_not_know_gets_a_score_of_zero(tmp_path):
    read = read_foreign(write(tmp_path, "path,target,score_a,score_b\n1.jpg,new,0.5,0.5\n"))
    assert read.classes == ("a", "b", "new")
    assert read.scores.tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,targt,predicted\na,b,c\n", "column 'target' is missing.*Did you mean \"targt\""),
        ("path,label,predicted\na,b,c\n", 'Is it "label"\\? Rename that column to "target"'),
        ("image,target,predicted\na,b,c\n", "column 'path' is missing"),
        ("path,target\na,b\n", "column 'predicted' is missing.*expected path,target,predicted or"),
        ("path,target,predicted\na,b,\n", "row 1: no predicted class"),
        ("path,target,predicted\na,b,c,d\n", "Expected 3 columns, got 4"),
        ("path,path,target\na,b,c\n", "column 'path' appears more than once"),
        ("path,target,score_a,score_b\n1,a,3.2,-1.0\n", "row 1: scores sum to 2.2, smallest -1; give probabilities"),
        ("path,target,score_a\n1,a,high\n", "invalid value 'high'"),
        ("path,target,predicted,scores\n1,a,b,0.5\n", "row 1: scores '0.5' is not a list"),
        ("path,target,predicted,scores\n1,a,b,[0.5]\n", "row 1: 1 scores for 2 classes"),
        ("path,target,predicted,confidence\n1,a,b,87\n", "row 1: confidence 87 is outside"),
        ("", "empty; expected path,target,predicted"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_foreign(write(tmp_path, text))


def test_wrong_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such predictions file"):
        read_foreign(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"cannot read \.xlsx"):
        read_foreign(write(tmp_path, "", "p.xlsx"))
    latin = tmp_path / "latin.csv"
    latin.write_bytes("path,target,predicted\n\xe9,a,b\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF"):
        read_foreign(latin)
