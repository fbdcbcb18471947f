"""Execute notebooks and store what they show."""

import logging
import re
import sys
import time

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from authoring.storage import NotebookError, normalize, read, write

START = 3600  # seconds that a kernel may take to start, a backstop: one that dies is noticed at once


class CellError(NotebookError):
    """A cell raised, took too long, or took the kernel with it."""

    def __init__(self, message, traceback=""):
        super().__init__(message)
        self.traceback = traceback


class _ThisPython(AsyncKernelManager):
    """Starts the kernel of the interpreter that runs this, whatever kernels the machine has under the same name."""

    def _kernel_spec_manager_default(self):
        return KernelSpecManager(kernel_dirs=[])


def execute(notebook, path, timeout=None):
    """Return `notebook` in normal form with the outputs of a fresh kernel that stands in the folder of `path`.

    Raises:
        CellError: a cell raised (and is not tagged `raises-exception`), ran longer than `timeout` seconds, where
            a limit is given, or ended the kernel. The message names notebook, cell and error.
    """
    notebook = normalize(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)  # an empty cell is not executed and would keep its own

    started = 0

    def note(cell, cell_index):
        nonlocal started
        started = cell_index

    client = NotebookClient(
        notebook,
        kernel_manager_class=_ThisPython,
        kernel_name="python3",
        timeout=timeout,
        startup_timeout=START,
        iopub_timeout=START,  # an output may follow its reply late on a busy machine, and is not lost for that
        resources={"metadata": {"path": str(path.resolve().parent)}},
        record_timing=False,
        store_widget_state=True,  # nbclient needs it where a slider displays a figure; `normalize` drops it
        on_cell_execute=note,
        log=logging.Logger("nbclient", level=logging.CRITICAL),  # CellError says it in one sentence
        extra_arguments=["--log-level=ERROR"],  # or every kernel warns that its sockets are not encrypted
    )
    try:
        return normalize(client.execute())
    except CellExecutionError as error:
        summary = next((line for line in error.evalue.splitlines() if line.strip()), "")
        reason = f"{error.ename}: {summary}" if summary else error.ename
        traceback = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback)
    except CellTimeoutError:
        reason, traceback = f"not done after {timeout:g} s", ""
    except DeadKernelError:
        reason, traceback = "the kernel died", ""
    raise CellError(f"{path}, {_place(notebook, started)}: {reason}", traceback)


def run(paths, timeout=None, traceback=False):
    """Execute each notebook and store it in place; a notebook that fails stays as it was. Return the exit code."""
    failed = False
    for path in paths:
        began = time.perf_counter()
        try:
            write(path, execute(read(path), path, timeout))
        except NotebookError as error:
            failed = True
            print(error, file=sys.stderr)
            if traceback and getattr(error, "traceback", ""):
                print(error.traceback, file=sys.stderr)
        else:
            print(f"{path}: {time.perf_counter() - began:.1f} s", flush=True)
    return int(failed)


def _place(notebook, index):
    """Name a cell as its reader sees it: by its number in brackets and its first line of code."""
    number = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells[: index + 1])
    first = next(line.strip() for line in notebook.cells[index].source.splitlines() if line.strip())
    return f"cell [{number}] `{first}`"
