"""What Jupyter stores of a notebook in the course's environment."""

import json

from jupyter_server.services.contents.filemanager import FileContentsManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from traitlets.config import Config

from workbook.folder import jupyter

VIEW = "application/vnd.jupyter.widget-view+json"


def stored(tmp_path, notebook):
    """Save a notebook through Jupyter's own manager with the course's settings; return what lies on the disk."""
    manager = FileContentsManager(root_dir=str(tmp_path), config=Config(jupyter.SAVING))
    manager.save({"type": "notebook", "format": "json", "content": notebook}, "x.ipynb")
    return json.loads((tmp_path / "x.ipynb").read_text(encoding="utf-8"))


def test_a_widget_goes_and_what_stands_beside_it_stays(tmp_path):
    view = {VIEW: {"model_id": "1", "version_major": 2, "version_minor": 0}}
    outputs = [
        new_output("display_data", {**view, "text/plain": "a slider", "text/html": "<b>a slider</b>"}),
        new_output("display_data", view),
        new_output("stream", text="printed\n"),
        new_output("execute_result", {"text/plain": "2"}, execution_count=1),
    ]
    notebook = new_notebook(cells=[new_markdown_cell("# x"), new_code_cell("x", outputs=outputs)])
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    found = stored(tmp_path, notebook)
    assert VIEW not in json.dumps(found)
    assert "widgets" not in found["metadata"]
    first, *others = found["cells"][1]["outputs"]
    assert first["data"] == {"text/plain": ["a slider"], "text/html": ["<b>a slider</b>"]}
    assert [output["output_type"] for output in others] == ["stream", "execute_result"]


def test_other_files_are_saved_as_they_are(tmp_path):
    manager = FileContentsManager(root_dir=str(tmp_path), config=Config(jupyter.SAVING))
    manager.save({"type": "file", "format": "text", "content": "words"}, "x.txt")
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == "words"


def test_settings_are_written_once_and_what_someone_set_stays(tmp_path):
    settings = tmp_path / "etc" / "jupyter" / "jupyter_server_config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"ServerApp": {"port": 9000}, "ContentsManager": {"pre_save_hook": "mine"}}', encoding="utf-8")
    jupyter.settle(tmp_path)
    assert json.loads(settings.read_text(encoding="utf-8")) == {
        "ServerApp": {"port": 9000},
        "ContentsManager": {"pre_save_hook": "mine"},
    }
    news = settings.parent / "labconfig" / "default_setting_overrides.json"
    assert json.loads(news.read_text(encoding="utf-8")) == jupyter.NO_NEWS
    news.unlink()
    settings.write_text("no JSON", encoding="utf-8")
    jupyter.settle(tmp_path)
    assert json.loads(settings.read_text(encoding="utf-8")) == jupyter.SAVING
