"""JupyterLab starts without what it does not need, and is JupyterLab all the same."""

import logging
import subprocess
import sys

import jupyterlab
import jupyterlab.commands


def test_it_is_jupyterlab():
    reply = subprocess.run([sys.executable, "-m", "workbook", "lab", "--version"], capture_output=True, text=True)
    assert (reply.returncode, reply.stdout.strip(), reply.stderr) == (0, jupyterlab.__version__, "")


def test_what_is_left_out_is_still_called_so(monkeypatch):
    monkeypatch.setattr(jupyterlab.commands, "which", no_node)
    asked = jupyterlab.commands._yarn_config(logging.getLogger("test"))
    assert asked == {"yarn config": {}, "npm config": {}}


def no_node(name):
    raise ValueError(name)
