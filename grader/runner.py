"""Runs what was handed in in child processes, jailed where there is a jail, with limits on time, memory and output."""

import contextlib
import dataclasses
import importlib.util
import os
import queue
import re
import select
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

from grader.handed_in import SubmissionError
from grader.program import Program
from grader.reply import Crashed, TimedOut, from_message, text_of
from grader.submission import Unreadable
from grader.wire import WireError, pack, receive
from jail.keeper import Keeper, Level, NoJailError

CHUNK = 2**16  # bytes that are read at a time
LARGEST_WRITE = 2**20  # bytes that are copied for the system to take what it can
LONGEST_REASON = 2000  # characters of why something cannot be read
POLL_SECONDS = 0.05  # how often a silent child is looked after; a reply is seen at once
ROOT = Path(__file__).parents[1]
WORKER = "grader.worker"
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from grader.worker import main; main()"
NUMPY, TORCH, FIGURES = ("numpy",), ("numpy", "torch"), ("numpy", "torch", "matplotlib.pyplot")  # for the servers
CASES = 100  # times what a case may take: all that a child may ever compute


@dataclass(frozen=True)
class Limits:
    """What one answer may use.

    Attributes:
        seconds: of computing (CPU time) for each case: the same on a busy machine as on a quiet one.
        patience: how many times as long a case may take by the clock. It ends what waits and computes nothing, such as
            input() or a sleep, and is far from what decides on an answer that works.
        memory: bytes beyond what the libraries take.
        sleep: seconds by the clock through which all of a case may sleep, seen at every look: then it waits for what
            never comes. What computes, gets no turn, or waits for a disk does not sleep.
    """

    seconds: float = 2.0
    patience: float = 100.0
    memory: int = 2 * 2**30
    sleep: float = 10.0


DEFAULT_LIMITS = Limits()
STARTUP = Limits(seconds=120.0)  # for Python and the libraries on a slow disk; the answer's own time starts afterwards


class Runner:
    """Starts the children of one judge: jailed, from fork servers that it keeps; a context that ends these.

    Args:
        own: packages of the course, which an answer may import.
        hidden: packages that it cannot.
        limits: the `Limits` of each child.
        trust: run them even where there is no jail, as plain processes.
        layers: which layers of a jail are wanted; all of them if None.

    Raises:
        NoJailError: there is no jail on this machine, and `trust` does not say to go on without.
    """

    def __init__(self, *, own=(), hidden=(), limits=DEFAULT_LIMITS, trust=False, layers=None):
        self.own, self.hidden, self.limits = tuple(own), tuple(hidden), limits
        self._layers = {} if layers is None else {"layers": layers}
        self._keepers = {}
        self._jailed = False
        self.level = self._level()
        if not self.level.holds and not trust:
            self.close()
            raise NoJailError(
                f"On this machine, answers would run {self.level}. That is no place for strangers' code: grade it on "
                f"Linux, 5.13 or later. If this is your own work, or you trust everyone whose work it is, say --trust."
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the servers, and with them whatever still runs."""
        for keeper in self._keepers.values():
            keeper.close()
        self._keepers.clear()

    def run(self, program, terms):
        """Return the `Child` that runs a `Program` on these `Terms`; a context."""
        job = {
            "job": "run",
            "function": program.function,
            "statements": program.statements,
            "answer": program.answer,
            "modules": program.modules,
            "refused": program.refused,
            "build": None if terms.build is None else dataclasses.asdict(terms.build),
            "library": terms.library,
            "finished": terms.finished,
            "own": terms.own,
            "hidden": self.hidden,
            "preload": _libraries(program, terms),
        }
        return Child(lambda: self._start(_servers(program, terms)), job, self.limits)

    def read(self, given, chapters):
        """Return the `Reading` of a `HandedIn`; a context.

        Args:
            given: what was handed in.
            chapters: for each its number, the ids of all it asks, and its functions.
        """
        beside = {f"beside/{name}": data for name, data in given.beside.items()}
        job = {"job": "read", "name": given.name, "chapters": chapters, "hidden": self.hidden, "preload": ()}
        arrays = {name: np.frombuffer(data, np.uint8) for name, data in {"notebook": given.notebook, **beside}.items()}
        return Reading(lambda: self._start(NUMPY), job, arrays, self.limits)

    def _start(self, libraries):
        if not self._jailed:
            return Plain(self.limits.memory)
        try:
            return self._child_of(self._keeper(libraries))
        except ConnectionError:  # the server was ended, by the system for want of memory, say: once more
            self._keepers.pop(libraries).close()
            return self._child_of(self._keeper(libraries))

    def _child_of(self, keeper):
        return keeper.child(self.limits.memory, CASES * self.limits.seconds)

    def _keeper(self, libraries):
        if libraries not in self._keepers:
            packages = {name: Path(importlib.util.find_spec(name).origin).parent for name in self.own}
            self._keepers[libraries] = Keeper(ROOT, WORKER, libraries=libraries, packages=packages, **self._layers)
        keeper = self._keepers[libraries]
        if self._jailed and not keeper.level.holds:  # each server has proved itself, not the first alone
            raise NoJailError(f"With {', '.join(libraries)} loaded, answers would run {keeper.level}.")
        return keeper

    def _level(self):
        try:
            level = self._keeper(NUMPY).level
        except NoJailError as error:
            level = Level((), {}, (f"do what its user can ({error})",))
        self._jailed = level.holds
        return level


class Plain:
    """A child that is an ordinary process, with what limits this system has: for answers that are trusted."""

    asleep = False  # nobody looks

    def __init__(self, memory):
        self._folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        self._process = _start(self._folder.name, memory)
        self.stdin, self.stdout = self._process.stdin, self._process.stdout

    @property
    def returncode(self):
        return self._process.returncode

    def poll(self):
        """Return how it ended, or None."""
        return self._process.poll()

    def computing_seconds(self):
        """Return the CPU time that it and its children have used; what has ended uses no more."""
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return times.user + times.system + times.children_user + times.children_system

    def stop(self):
        """End it and whatever it started."""
        _stop(self._process)
        self._folder.cleanup()


class _Spoken:
    """A child that is spoken to: what starts and ends it, whatever its job; a context.

    Args:
        start: starts the process.
        job: what it is to do, for the first message.
        arrays: what goes with it.
        limits: the `Limits`.
    """

    def __init__(self, start, job, arrays, limits):
        self.limits = limits
        self._start, self._job, self._arrays = start, job, arrays

    def __enter__(self):
        self._process = self._start()
        self._line = (_PolledLine if hasattr(select, "poll") else _Line)(self._process)
        self._ended = False
        try:
            self._line.send(pack(self._job, self._arrays))
            self._receive(0, STARTUP)
        except (_OverTimeError, _EndedError, WireError) as error:
            self.__exit__(None, None, None)
            raise RuntimeError(f"the grader's worker did not start ({error}); this is not the answer's fault") from None
        return self

    def __exit__(self, *_):
        self._process.stop()
        self._line.close()

    def _receive(self, most, limits):
        """Return the next message, within one limit on the whole of it."""
        return receive(self._line.reader(_Watch(self._process, limits)), most)


class Child(_Spoken):
    """A process that runs one program, case by case, as long as it is open."""

    def __init__(self, start, job, limits):
        super().__init__(start, job, {}, limits)

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


class Reading(_Spoken):
    """A process that reads one notebook, and is asked about it, as long as it is open.

    Attributes:
        best: (number of the chapter that it answers, how much speaks for that: 0 is nothing).
        is_lesson: whether it says that it is one of ours and answers nothing.
    """

    def __enter__(self):
        super().__enter__()
        try:
            told = self._told()
            if "problem" in told:
                raise SubmissionError(text_of(told["problem"])[:LONGEST_REASON])
            number, hits = told["best"]
            self.best = (text_of(number), int(hits))
            self.is_lesson = bool(told["origin"]) and not told["named"]
        except (KeyError, TypeError, ValueError):
            self.__exit__()
            raise self._unreadable("its answer was not one of ours") from None
        except SubmissionError:
            self.__exit__()
            raise
        return self

    def program(self, task_id, earlier=(), module=""):
        """Return the `Program` of a task's answer, or `Unreadable`; and what of it an instructor may want to look at.

        The arguments are those of `Submission.program`.

        Raises:
            SubmissionError: the process that reads has ended.
        """
        kinds = {"statements": list, "answer": str, "untouched": bool, "flags": list}
        told = self._asked({"task": task_id, "earlier": sorted(earlier), "module": module}, kinds)
        if "reason" in told:
            return Unreadable(text_of(told["reason"])[:LONGEST_REASON]), ()
        texts = map(text_of, told["statements"])
        program = Program(task_id.partition(".")[2], tuple(texts), text_of(told["answer"]))
        return dataclasses.replace(program, untouched=told["untouched"]), tuple(map(text_of, told["flags"]))

    def file(self, name):
        """Return the source of a Python file beside the notebook, or `Unreadable`."""
        told = self._asked({"file": name}, {"source": str})
        return Unreadable(text_of(told["reason"])[:LONGEST_REASON]) if "reason" in told else text_of(told["source"])

    def cells(self):
        """Return the code cells, each as (the id of what it answers, or ""; its source); none if they are too long."""
        told = self._asked({"cells": True}, {"cells": list}).get("cells", ())
        return [tuple(map(text_of, pair)) for pair in told if isinstance(pair, list) and len(pair) == 2]

    def choice(self, question_id):
        """Return what was chosen: see `Submission.choice`."""
        choice = self._asked({"question": question_id}, {"choice": str | None}).get("choice")
        return None if choice is None else text_of(choice)

    def _asked(self, question, kinds):
        """Return the answer to a question: what is asked for, each of its kind, or else a "reason"."""
        self._line.send(pack(question))
        told = self._told()
        ours = all(name in told and isinstance(told[name], kind) for name, kind in kinds.items())
        if not ours and "reason" not in told:
            raise self._unreadable("its answer was not one of ours")
        return told

    def _told(self):
        try:
            return self._receive(0, self.limits)[0]
        except _OverTimeError:
            raise self._unreadable("reading it takes too long") from None
        except _EndedError as error:
            raise self._unreadable(f"{error}, as it was read: too large, or nested too deep") from None
        except WireError as error:
            raise self._unreadable(str(error)) from None

    def _unreadable(self, reason):
        return SubmissionError(f"{self._job['name']} cannot be read: {reason}.")


class _OverTimeError(Exception):
    """The child used up its time: (seconds, whether it was waiting)."""


class _EndedError(Exception):
    """The child is no more; the text says why."""


class _Watch:
    """Looks after the time that a child takes for one message.

    It asks for the computing time only every so often, and for the first time after a while: most messages are there
    long before, and asking costs more than they do. What was computed until then is not counted.
    """

    def __init__(self, process, limits):
        self.process, self.limits = process, limits
        self.began = time.monotonic()
        self.asked, self.used = self.began, None
        self.awake, self.looks = self.began, 0

    def look(self):
        """Raise `_OverTimeError` once the time is up."""
        now = time.monotonic()
        if now - self.asked < POLL_SECONDS:
            return
        self.asked, used = now, self.process.computing_seconds()
        if self.used is None:
            self.used = used
        if used - self.used > self.limits.seconds:
            raise _OverTimeError(self.limits.seconds, False)
        self._look_for_sleep(now)
        patience = self.limits.seconds * self.limits.patience
        if now - self.began > patience:
            raise _OverTimeError(patience, True)

    def _look_for_sleep(self, now):
        """Raise `_OverTimeError` if at every look for a while all of the child slept: one that only gets no turn on a
        busy machine does not sleep."""
        if not self.process.asleep:
            self.awake, self.looks = now, 0
            return
        self.looks += 1
        slept = now - self.awake
        if slept > self.limits.sleep and self.looks * POLL_SECONDS * 4 > slept:
            raise _OverTimeError(self.limits.sleep, True)


class _Line:
    """The two ends of the line to a child; threads move the bytes, so that neither side can block the judge.

    That works on every system.
    """

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
                    chunk = self._chunk()
                except EOFError:
                    raise _EndedError(self._why(watch)) from None
                if chunk is None and self._process.poll() is not None:
                    self._process.stop()  # what it started may still hold the line open
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

    def _chunk(self):
        """Return what has come; None after a while of silence. Raises EOFError at the end."""
        try:
            chunk = self._chunks.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return None
        if chunk == b"":
            self._chunks.put(b"")  # and so it stays
            raise EOFError
        return chunk

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


class _PolledLine(_Line):
    """The same without threads, which cost more than most answers do: where a system waits for several pipes at once,
    and moves what can be moved."""

    def __init__(self, process):
        self._process = process
        self._buffer, self._outgoing = bytearray(), bytearray()
        self._in, self._out = process.stdout.fileno(), process.stdin.fileno()
        for end in (self._in, self._out):
            os.set_blocking(end, False)

    def send(self, data):
        self._outgoing += data
        self._write()

    def close(self):
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def _chunk(self):
        waiting = select.poll()
        waiting.register(self._in, select.POLLIN)
        if self._outgoing:
            waiting.register(self._out, select.POLLOUT)
        ready = {end for end, _ in waiting.poll(1000 * POLL_SECONDS)}
        if not ready:
            return None
        if self._out in ready:
            self._write()
        if self._in not in ready:
            return b""
        chunk = os.read(self._in, CHUNK)
        if not chunk:
            raise EOFError
        return chunk

    def _write(self):
        """Send what the pipe takes now; a child that no longer listens is told by its silence."""
        try:
            while self._outgoing:
                del self._outgoing[: os.write(self._out, self._outgoing[:LARGEST_WRITE])]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()


def _servers(program, terms):
    """Return what the server of a program has to have loaded."""
    sources = (*program.statements, program.answer, *(source for _, source in program.modules))
    torch = "|".join(map(re.escape, ("torch", *terms.own)))
    if any(re.search(r"\bmatplotlib\b", source) for source in sources):  # an answer may still draw what it computes
        return FIGURES
    named = any(re.search(rf"\b(?:{torch})\b", source) for source in sources)
    refused = any(name.startswith(tuple(terms.own)) and name.count(".") > 1 for name in terms.finished)  # in a module
    return TORCH if terms.library == "torch" or named or refused else NUMPY


def _libraries(program, terms):
    """Return what the answer names of the course's packages: loading them should not cost its time, and what is
    finished in them must be there before it can refuse."""
    packages = "|".join(map(re.escape, terms.own))
    source = "\n".join((*program.statements, program.answer))
    names = set(re.findall(rf"\b(?:{packages})\b(?:\.\w+)*", source)) if packages else set()
    for package, parts in re.findall(rf"\bfrom\s+((?:{packages})\b[\w.]*)\s+import\s+([\w, ]+)", source):
        names |= {f"{package}.{part}" for part in re.findall(r"\w+", parts)}  # modules, and names that are none
    ours = (name.rpartition(".") for name in terms.finished if name.startswith(tuple(terms.own)))
    modules = {owner.rpartition(".")[0] if owner.rpartition(".")[2][:1].isupper() else owner for owner, _, _ in ours}
    return sorted({*names, *modules, *_servers(program, terms)})


def _start(folder, memory):
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-c", BOOTSTRAP, str(ROOT), str(memory)],
        cwd=folder,
        env=environment | threads | {"HOME": folder, "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )


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
