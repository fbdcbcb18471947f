"""The child process: runs one answer on the inputs it is handed and gives back what came out. It knows no answers.

Started by `runner.py`, which speaks to it over standard input and output: first the program, then the inputs of one
case after another. Each is answered at once, so that what was finished before a crash or a time-out is not lost.
"""

import contextlib
import importlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from grader.building import Build
from grader.call import Terms, run_case
from grader.contract import BrokenError
from grader.program import Program, load, part_of, provide
from grader.reply import Reply, to_message
from grader.wire import pack, reader_of, receive

LARGEST_FILE = 2**26  # bytes of a file that an answer may write
ANY_SIZE = 2**62  # bytes: the judge sends what it likes


def main():
    """Answer the judge until it closes the line."""
    requests, replies = _take_the_line()
    read = reader_of(requests)
    request, _ = receive(read, 0)
    for name in request["preload"]:
        with contextlib.suppress(Exception):  # then the answer's own import says so
            importlib.import_module(name)
    _limit(request["memory"])
    _hide(tuple(request["hidden"]))
    _send(replies, {"ready": True})
    modules = tuple(map(tuple, request["modules"]))
    program = Program(
        request["function"], tuple(request["statements"]), request["answer"], modules, tuple(request["refused"])
    )
    build = request["build"] and Build(**{name: _as_tuple(value) for name, value in request["build"].items()})
    terms = Terms(request["library"], tuple(request["finished"]), tuple(request["own"]), build)
    function = failure = None
    while True:
        try:
            header, arrays = receive(read, ANY_SIZE)
        except EOFError:
            return
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
        _send(replies, *to_message(reply))


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


def _limit(memory):
    """Let this process take `memory` more bytes from here, and write no large files.

    Linux holds a process to both. The limit is on data, not on addresses: of a library that an answer loads later only
    what can be written to counts (of PyTorch's build for CUDA 0.7 GB, where it maps 3 GB of addresses). macOS and
    Windows have no such limit: there, grade only what you trust.
    """
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        used = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
        resource.setrlimit(resource.RLIMIT_DATA, (used + memory, used + memory))


def _hide(packages):
    """Make the judge and its catalogue unimportable: an answer has no business with expected values."""

    class Hidden:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] in packages:
                raise ImportError(f"{name} is not available while an answer is judged")

    sys.meta_path.insert(0, Hidden)
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]
