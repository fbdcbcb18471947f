"""The child process: reads what was handed in, or runs one answer on the inputs it is handed. It knows no answers.

Jailed, it is forked by `jail.server`, which calls `prepare` once and `serve` in every child; elsewhere `main` is a
process of its own. The judge speaks to it over two pipes: first the job, then the inputs of one case after another.
Each is answered at once, so that what was finished before a crash or a time-out is not lost.
"""

import contextlib
import importlib
import os
import random
import sys
import tempfile
from dataclasses import replace

import numpy as np

from grader import reading
from grader.building import Build
from grader.call import Terms, refuse, run_case
from grader.contract import BrokenError
from grader.program import Program, load, part_of, provide
from grader.reply import Reply, to_message
from grader.wire import pack, reader_of, receive
from jail.limits import THREADS, Allowance, hold_to, threads_of_this_user

ANY_SIZE = 2**62  # bytes: the judge sends what it likes
OFTEN = (  # what answers often use, and what NumPy loads when it is first asked for
    *("collections", "copy", "dataclasses", "functools", "itertools", "math", "typing", "warnings"),
    *("encodings.ascii", "encodings.utf_8_sig"),
    *("numpy.random", "numpy.linalg", "numpy.fft", "numpy.ma"),
)
OURS = ("grader", "jail")
SECONDS = 3600.0  # of computing, where nobody watches any more


def main():
    """Be a process of its own, with what limits this system has: for answers that are trusted."""
    requests, replies = _take_the_line()
    serve(requests, replies, memory=int(sys.argv[2]))


def prepare(libraries, packages):
    """Load what the children share, once, and let it do what it does at its first use.

    Args:
        libraries: "numpy", "torch", "matplotlib.pyplot": those that are to be there.
        packages: those of the course that answers may import, loaded as well; with PyTorch, all in their top folders.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MPLCONFIGDIR"] = folder  # matplotlib wants a place to write to once, and finds its fonts
        for name in (*libraries, *OFTEN):
            importlib.import_module(name)
    if "torch" in libraries:
        _warm_up()
        for name, folder in packages.items():
            files = sorted(file for file in os.listdir(folder) if file.endswith(".py") and file != "__init__.py")
            for file in ("__init__.py", *files):
                with contextlib.suppress(Exception):  # then the answer's own import says so
                    importlib.import_module(name if file == "__init__.py" else f"{name}.{file.removesuffix('.py')}")
    else:
        for name in packages:
            with contextlib.suppress(Exception):
                importlib.import_module(name)  # what it loads at its start needs NumPy alone
    _start_at_random_zero()
    _forget_ours()


def serve(requests, replies, memory=None):
    """Do one job for the judge: until it closes the line.

    Args:
        requests, replies: the two ends of the line, as files.
        memory: bytes to hold this process to once the libraries are loaded; None if it is held already.
    """
    read = reader_of(requests)
    job, arrays = receive(read, ANY_SIZE)
    for name in job["preload"]:
        with contextlib.suppress(Exception):  # then the answer's own import says so
            importlib.import_module(name)
    if memory is not None:
        hold_to(Allowance(memory, SECONDS, threads_of_this_user() + THREADS))
        _start_at_random_zero()
        _forget_ours()
    _hide((*OURS, *job["hidden"]))
    _send(replies, {"ready": True})
    with contextlib.suppress(EOFError):
        if job["job"] == "read":
            reading.serve(job, arrays, read, lambda header: _send(replies, header))
        else:
            _run(job, read, replies)


def _run(job, read, replies):
    """Run an answer on one case after another."""
    modules = tuple(map(tuple, job["modules"]))
    program = Program(job["function"], tuple(job["statements"]), job["answer"], modules, tuple(job["refused"]))
    build = job["build"] and Build(**{name: _as_tuple(value) for name, value in job["build"].items()})
    terms = Terms(job["library"], tuple(job["finished"]), tuple(job["own"]), build)
    function = failure = None
    refused, left = refuse(terms.finished)
    terms = replace(terms, finished=left)
    sys.setprofile = sys.settrace = _nothing  # they would turn off what watches calls
    while True:
        header, arrays = receive(read, ANY_SIZE)
        if function is None and failure is None:
            try:  # in the first case's time: it is the answer's own work
                provide(program.modules, program.refused)
                if build is not None and build.given:
                    terms = replace(terms, module_class=part_of(modules[-1][0], build.module))
                function, failure = load(program, terms.own)
            except BrokenError as error:
                failure = Reply("broken", message=str(error))
        inputs = {name: arrays.get(name, value) for name, value in header["inputs"].items()}
        reply = failure or run_case(function, inputs, terms, largest=header["largest"])
        if refused:
            reply = replace(reply, called=tuple(sorted({*reply.called, *refused})))
        _send(replies, *to_message(reply))


def _nothing(*_):
    """Stand in for what an answer has no use for."""


def _as_tuple(value):
    return tuple(value) if isinstance(value, list) else value


def _take_the_line():
    """Return standard input and output as files that nobody else has, and leave an answer nothing to read or print."""
    line = [os.fdopen(os.dup(number), mode) for number, mode in ((0, "rb"), (1, "wb"))]
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    if os.name == "nt":
        import msvcrt

        for stream in line:
            msvcrt.setmode(stream.fileno(), os.O_BINARY)
    return line


def _send(stream, header, arrays=None):
    stream.write(pack(header, arrays))
    stream.flush()


def _warm_up():
    """Let PyTorch load what it loads at its first steps: forward, backward, an optimizer, a counter, another device."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(1)  # before its first operation: a pool of threads does not survive a fork
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
    optimizer = torch.optim.Adam(model.parameters())
    with FlopCounterMode(display=False):
        torch.nn.functional.cross_entropy(model(torch.ones(2, 3)), torch.tensor([0, 1])).backward()
    optimizer.step()
    torch.autograd.grad(model(torch.ones(2, 3)).sum(), list(model.parameters()), allow_unused=True)
    model.to("meta")(torch.ones(2, 3, device="meta"))


def _start_at_random_zero():
    """Let everything that is drawn be the same at the next grading."""
    random.seed(0)
    np.random.seed(0)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)


def _hide(packages):
    """Make packages unimportable: an answer has no business with expected values, wherever they lie."""

    class Hidden:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] in packages:
                raise ImportError(f"{name} is not available while an answer is judged")

    sys.meta_path.insert(0, Hidden)


def _forget_ours():
    """Leave nothing of the judge where an answer would find it by its name."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
