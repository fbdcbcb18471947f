"""The map of the course stands at the top of the first page before anything has been run there."""

from workbook import progress
from workbook.folder import stored, update

FIRST = "Lesson 00.ipynb"
CELL = "progress"  # the id of the cell that shows the map


def put_map(folder):
    """Store how far the learner is as what the first page's map shows.

    Raises:
        FolderError: the first page cannot be written.
    """
    found = progress.progress(folder)
    data = {"text/plain": "\n".join(progress.lines(found)), "text/html": progress.markup(found)}
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}}]
    for path, notebook in update.notebooks_in(folder).get(FIRST, ()):
        for cell in notebook["cells"]:
            if cell.get("id") == CELL and cell["cell_type"] == "code" and _texts(cell["outputs"]) != _texts(outputs):
                cell["outputs"] = outputs
                stored.write(path, notebook)


def _texts(outputs):
    """Return what outputs show, however their lines are stored."""
    return [
        {kind: "".join(text) for kind, text in output.get("data", {}).items() if isinstance(text, str | list)}
        for output in outputs
        if isinstance(output, dict)
    ]
