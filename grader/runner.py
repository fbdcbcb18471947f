"""Runs an answer in a child process of its own, with limits on time, memory and output."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grader.reply import from_bytes, pack

STARTUP_SECONDS = 60.0  # for Python and the libraries on a slow disk; the answer's own time starts afterwards
POLL_SECONDS = 0.01
LARGEST_REPLY = 256 * 2**20  # bytes; the worker writes no file of a quarter of this
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from grader.worker import main; main(sys.argv[2])"


@dataclass(frozen=True)
class Limits:
    """What one answer may use: seconds for each case, bytes of memory beyond the libraries."""

    seconds: float = 10.0
    memory: int = 2 * 2**30


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class TimedOut:
    """The answer was still running when its time was up."""

    seconds: float


@dataclass(frozen=True)
class Crashed:
    """The process ended without a reply."""

    reason: str


def run_program(program, cases_inputs, *, finished=(), library="numpy", limits=DEFAULT_LIMITS):
    """Return what came back for each case: a `Reply`, `TimedOut`, `Crashed`, or None where an earlier one ended it all.

    Args:
        program: the `Program` to run.
        cases_inputs: for each case, the inputs by name.
        finished: dotted names of finished things whose calls are to be noticed.
        library: what the answer is called with, "numpy" arrays or "torch" tensors.
        limits: the `Limits`.
    """
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _write_request(folder, program, cases_inputs, finished, library, limits)
        process = _start(folder)
        try:
            return _collect(process, folder, len(cases_inputs), limits)
        finally:
            _stop(process)


def _write_request(folder, program, cases_inputs, finished, library, limits):
    header = {
        "function": program.function,
        "definitions": program.definitions,
        "answer": program.answer,
        "finished": finished,
        "library": library,
        "preload": [library, *_libraries(program, finished)],
        "memory": limits.memory,
    }
    (folder / "request.npz").write_bytes(pack(header, {}))
    for number, inputs in enumerate(cases_inputs):
        order = {name: None if isinstance(value, np.ndarray) else value for name, value in inputs.items()}
        arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
        (folder / f"inputs-{number:03}.npz").write_bytes(pack(order, arrays))


def _libraries(program, finished):
    """Return what the answer will import anyway: loading it should cost neither the answer's time nor its memory, of
    which PyTorch with CUDA maps several GiB."""
    source = "\n".join((program.answer, *program.definitions))
    return sorted(
        {name.split(".")[0] for name in finished if name.startswith("course_lib")}
        | set(re.findall(r"\btorch\b|\bcourse_lib(?:\.\w+)*", source))
    )


def _start(folder):
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    home = folder / "home"  # an answer that clears its folder should not clear ours
    home.mkdir()
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-I", "-c", BOOTSTRAP, str(Path(__file__).parents[1]), str(folder)],
        cwd=home,
        env=environment | threads | {"HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # an answer may print without end: it goes nowhere
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )


def _collect(process, folder, count, limits):
    """Wait for the replies in order; each new one gives the next case its full time."""
    if not _wait_for(process, folder / "ready", STARTUP_SECONDS):
        raise RuntimeError(
            f"the grader's worker did not start (exit code {process.poll()}); this is not the answer's fault"
        )
    replies = []
    for number in range(count):
        path = folder / f"reply-{number:03}.npz"
        if _wait_for(process, path, limits.seconds):
            replies.append(_read(path))
        else:
            replies.append(TimedOut(limits.seconds) if process.poll() is None else Crashed(_why(process.returncode)))
            break
    return replies + [None] * (count - len(replies))


def _wait_for(process, path, seconds):
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        try:
            process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return path.exists()
    return True


def _read(path):
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_REPLY:
            return Crashed("its reply is no file of ours")
        return from_bytes(path.read_bytes())
    except (ValueError, OSError) as error:
        return Crashed(f"its reply could not be read ({error})")


def _why(code):
    if code < 0:
        try:
            return f"the process was ended by {signal.Signals(-code).name}"
        except ValueError:  # a real-time signal has no name
            return f"the process was ended by signal {-code}"
    return f"the process ended by itself with exit code {code}"


def _stop(process):
    """End the worker and whatever it started."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    else:
        process.kill()
    process.wait()
