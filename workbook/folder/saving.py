"""What Jupyter stores of a notebook: a widget lives as long as its kernel, and what stands beside it stays."""

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def clean(model, **_):
    """Take the widgets out of a notebook that is about to be saved: a hook of Jupyter's server (`pre_save_hook`).

    The text beside a widget stays, and is what other programs show; an output that was a widget alone goes.
    """
    content = model.get("content")
    if model.get("type") != "notebook" or not isinstance(content, dict):
        return
    metadata = content.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("widgets", None)
    for cell in content.get("cells", ()):
        if cell.get("outputs"):
            cell["outputs"] = [output for output in cell["outputs"] if not _is_widget_alone(output)]


def _is_widget_alone(output):
    """Take the widget out of an output; tell whether that was all."""
    data = output.get("data")
    if not isinstance(data, dict) or WIDGET_VIEW not in data:
        return False
    del data[WIDGET_VIEW]
    return not data
