"""Runs an answer in a child process of its own, with limits on computing time, memory and output."""

import contextlib
import dataclasses
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from grader.reply import Crashed, TimedOut, from_message
from grader.wire import WireError, pack, receive

CHUNK = 2**16  # bytes that are read at a time
POLL_SECONDS = 0.05  # how often a silent child is looked after; a reply is seen at once
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from grader.worker import main; main()"
PREPARED = ("numpy", "torch")  # loaded before an answer's time begins if it names them


@dataclass(frozen=True)
class Limits:
    """What one answer may use.

    Attributes:
        seconds: of computing (CPU time) for each case: the same on a busy machine as on a quiet one.
        patience: how many times as long a case may take by the clock. It ends what waits and computes nothing, such as
            input() or a sleep, and is far from what decides on an answer that works.
        memory: bytes beyond what the libraries take.
    """

    seconds: float = 10.0
    patience: float = 20.0
    memory: int = 2 * 2**30


DEFAULT_LIMITS = Limits()
STARTUP = Limits(seconds=120.0)  # for Python and the libraries on a slow disk; the answer's own time starts afterwards


class Child:
    """A process that runs one program, case by case, as long as it is open.

    Args:
        program: the `Program` to run.
        terms: the `Terms` of the call.
        hidden: packages that the answer cannot import.
        limits: the `Limits`.
    """

    def __init__(self, program, terms, *, hidden=(), limits=DEFAULT_LIMITS):
        self.limits = limits
        self._request = {
            "function": program.function,
            "statements": program.statements,
            "answer": program.answer,
            "modules": program.modules,
            "refused": program.refused,
            "build": None if terms.build is None else dataclasses.asdict(terms.build),
            "library": terms.library,
            "finished": terms.finished,
            "own": terms.own,
            "hidden": hidden,
            "preload": [terms.library, *_libraries(program, terms)],
            "memory": limits.memory,
        }

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        self._process = _start(self._folder.name)
        self._line = _Line(self._process)
        self._ended = False
        try:
            self._line.send(pack(self._request))
            self._receive(0, STARTUP)
        except (_OverTimeError, _EndedError, WireError) as error:
            self.__exit__(None, None, None)
            raise RuntimeError(f"the grader's worker did not start ({error}); this is not the answer's fault") from None
        return self

    def __exit__(self, *_):
        _stop(self._process)
        self._line.close()
        self._folder.cleanup()

    def __call__(self, inputs, largest):
        """Return what came back for one case: a `Reply`, `TimedOut`, `Crashed`, or None if an earlier case ended it.

        Args:
            inputs: the arguments by name.
            largest: bytes of the largest result that is looked at.
        """
        if self._ended:
            return None
        arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
        plain = {name: None if name in arrays else value for name, value in inputs.items()}
        most = largest + sum(array.nbytes for array in arrays.values())  # the result, and the inputs as they are after
        try:
            self._line.send(pack({"inputs": plain, "largest": largest}, arrays))
            return from_message(*self._receive(most, self.limits))
        except _OverTimeError as error:
            reply = TimedOut(*error.args)
        except _EndedError as error:
            reply = Crashed(str(error))
        except WireError as error:
            reply = Crashed(f"its reply was not one of ours: {error}")
        self._ended = True
        return reply

    def _receive(self, most, limits):
        """Return the next message, within one limit on the whole of it."""
        return receive(self._line.reader(_Watch(self._process, limits)), most)


class _OverTimeError(Exception):
    """The child used up its time: (seconds, whether it was waiting)."""


class _EndedError(Exception):
    """The child is no more; the text says why."""


class _Watch:
    """Looks after the time that a child takes for one message."""

    def __init__(self, process, limits):
        self.process, self.limits = process, limits
        self.began, self.used = time.monotonic(), _computing_seconds(process)

    def look(self):
        """Raise `_OverTimeError` once the time is up."""
        if _computing_seconds(self.process) - self.used > self.limits.seconds:
            raise _OverTimeError(self.limits.seconds, False)
        patience = self.limits.seconds * self.limits.patience
        if time.monotonic() - self.began > patience:
            raise _OverTimeError(patience, True)


class _Line:
    """The two ends of the line to a child; threads move the bytes, so that neither side can block the judge."""

    def __init__(self, process):
        self._process = process
        self._chunks = queue.Queue(maxsize=64)
        self._buffer = bytearray()
        self._outgoing = queue.SimpleQueue()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    def send(self, data):
        self._outgoing.put(data)

    def reader(self, watch):
        """Return `read(n)` for `receive`: exactly n bytes, or an error once the child is gone or its time is up."""

        def read(count):
            while len(self._buffer) < count:
                try:
                    chunk = self._chunks.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    chunk = None
                    if self._process.poll() is not None:
                        _stop(self._process)  # what it started may still hold the line open
                if chunk == b"":
                    self._chunks.put(b"")  # and so it stays
                    raise _EndedError(self._why(watch))
                self._buffer += chunk or b""
                watch.look()
            data = bytes(self._buffer[:count])
            del self._buffer[:count]
            return data

        return read

    def close(self):
        """Let both threads end; the process has ended before. One that still waits for what has left the group does
        no harm: it is a daemon."""
        self._outgoing.put(None)
        for thread in self._threads:
            for _ in range(20):
                with contextlib.suppress(queue.Empty):
                    self._chunks.get_nowait()  # makes room for a reader that waits for it
                thread.join(POLL_SECONDS)
                if not thread.is_alive():
                    break

    def _read(self):
        with self._process.stdout as stream:
            while chunk := stream.read1(CHUNK):
                self._chunks.put(chunk)
        self._chunks.put(b"")

    def _write(self):
        with contextlib.suppress(OSError), self._process.stdin as stream:
            while (data := self._outgoing.get()) is not None:
                stream.write(data)
                stream.flush()

    def _why(self, watch):
        """Return why a child that has closed its line is gone; one that goes on all the same is waited for."""
        while self._process.poll() is None:
            watch.look()
            time.sleep(POLL_SECONDS)
        return _why(self._process.returncode)


def _libraries(program, terms):
    """Return what the answer names of libraries: loading them should not cost its time, and what is finished in them
    must be there before it can be watched."""
    packages = "|".join(map(re.escape, (*PREPARED, *terms.own)))
    source = "\n".join((*program.statements, program.answer))
    names = set(re.findall(rf"\b(?:{packages})\b(?:\.\w+)*", source))
    for package, parts in re.findall(rf"\bfrom\s+((?:{packages})\b[\w.]*)\s+import\s+([\w, ]+)", source):
        names |= {f"{package}.{part}" for part in re.findall(r"\w+", parts)}  # modules, and names that are none
    return sorted(names | {name.partition(".")[0] for name in terms.finished if name.startswith(terms.own)})


def _start(folder):
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-I", "-c", BOOTSTRAP, str(Path(__file__).parents[1])],
        cwd=folder,
        env=environment | threads | {"HOME": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )


def _computing_seconds(process):
    """Return the CPU time that a process and its children have used; what has ended uses no more."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system + times.children_user + times.children_system


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
