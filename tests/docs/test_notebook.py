"""The notebook of the docs runs from top to bottom, and is kept without outputs."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


def text_of(cell) -> str:
    outputs = [output.get("data", {}).get("text/plain", output.get("text", "")) for output in cell.get("outputs", ())]
    return "\n".join(outputs)


def test_the_notebook_is_kept_without_outputs():
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert len(cells) >= 8
    assert [cell.source for cell in cells if cell.outputs or cell.execution_count] == []


@pytest.mark.slow
def test_every_cell_runs_and_shows_what_it_promises(tmp_path):
    notebook = read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own process and its event loop
        client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
        client.execute(cwd=str(tmp_path))
    by_source = {cell.source.splitlines()[0]: cell for cell in notebook.cells if cell.cell_type == "code"}
    run_cell = by_source["run = vf.finetune("]
    shown = [output.data for output in run_cell.outputs if output.output_type == "execute_result"]
    assert "task: classification" in shown[0]["text/plain"]
    assert "<table>" in shown[0]["text/html"]
    assert "epoch   4" in text_of(run_cell), "the progress is shown without a reporter being named"
    assert text_of(by_source['test = run.metrics["splits"]["test"]']).startswith("accuracy ")
    assert "image/png" in by_source['run.plot("confusion")'].outputs[0].data
    assert text_of(by_source["assert len(model.predict(files)) == 3"]) == "'report.html'"
