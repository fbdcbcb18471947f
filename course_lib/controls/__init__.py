"""Things to touch in a page: choices, a number, the cells of a matrix, a button. Drawn in the browser, by controls.js.

What a control shows is a dictionary, `drawing`; what a reader does comes back as a value. Where no widgets are (a
stored notebook, paper, a terminal), the text beside it says the same.
"""

import functools
import sys
from html import escape
from pathlib import Path
from urllib.parse import quote

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
HERE = Path(__file__).parent


class Control:
    """One control in the page.

    Args:
        drawing: what the script draws; for controls.js with its "kind": "choices", "number", "grid" or "button".
        on_value: is called with every value that the reader gives.
        script: the name of the file beside this one, without its ending, that draws it.
    """

    def __init__(self, drawing, on_value, script="controls"):
        self._widget = _widget_class(script)(drawing=drawing)
        self._on_value = on_value
        self._widget.observe(self._take, "given")

    def redraw(self, **changes):
        """Draw it again with these entries of its drawing changed."""
        self._widget.drawing = {**self._widget.drawing, **changes}

    def _take(self, change):
        self._widget.heard = change.new["number"]
        self._on_value(change.new["value"])

    def display(self, text, markup):
        """Display it, with plain text and HTML for pages without widgets."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}
        bundle = {WIDGET_VIEW: view, "text/plain": text, "text/html": markup}
        sys.modules["IPython"].display.display(bundle, raw=True)


def still(svg, words, width, said):
    """Return the HTML of a picture for pages where nothing moves. As an image: a page that trusts nobody removes <svg>.

    Args:
        svg: the picture, whole.
        words: what it shows.
        width: in pixels.
        said: the line below it, which says what to do to get the control.
    """
    source = quote(svg, safe=" =:/(),.;-")
    return (
        f'<img src="data:image/svg+xml,{source}" alt="{escape(words)}" width="{width}" style="max-width: 100%">'
        f'<div style="font-size: 75%; opacity: 0.7">{escape(said)}</div>'
    )


def in_page():
    """Tell whether this runs in a notebook's kernel, so that there may be a page to draw in."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


@functools.cache
def _widget_class(script):
    import anywidget
    import traitlets

    def of_page_and_script(ending):  # what all share stands before what is its own
        files = [HERE / f"{name}.{ending}" for name in ("page", script)]
        return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())

    class Widget(anywidget.AnyWidget):
        _esm = of_page_and_script("js")
        _css = of_page_and_script("css")
        drawing = traitlets.Dict().tag(sync=True)
        given = traitlets.Dict().tag(sync=True)  # {"number": how many so far, "value": the last}
        heard = traitlets.Int().tag(sync=True)  # the number of the last that Python has taken

    Widget.__name__ = script.capitalize()  # the page keeps one style sheet for each name
    return Widget
