"""`docs/notebook.ipynb`: it runs, and prints what it shows."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "docs" / "notebook.ipynb"
WHY = "needs Jupyter: `pip install '.[docs]'`"
nbformat = pytest.importorskip("nbformat", reason=WHY)
nbclient = pytest.importorskip("nbclient", reason=WHY)
pytest.importorskip("ipykernel", reason=WHY)
pytest.importorskip("matplotlib", reason=WHY)


def shown(notebook):
    """Of every cell the texts below it, and whether there is a picture."""
    return [
        [
            (
                output.get("text") or output["data"].get("text/plain"),
                "image/png" in output.get("data", {}),
            )
            for output in cell.get("outputs", ())
        ]
        for cell in notebook.cells
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client")
def test_the_notebook_prints_what_it_shows(tmp_path, request):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = shown(notebook)
    place = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, timeout=300, resources=place)
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
    if request.config.getoption("--update-golden"):
        nbformat.write(notebook, NOTEBOOK)
        return
    assert shown(notebook) == before
    assert any(before)
