"""Starts a fork server, and hands out children of it: one for every piece of code."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field

from jail import namespaces
from jail.lock import LAYERS
from jail.readable import interpreter_paths

BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from jail.server import main; main(*sys.argv[1:])"
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")  # of the environment variables: no secret is among them
LARGEST_MESSAGE = 2**16
NAMESPACES, BUBBLEWRAP = "namespaces", "bubblewrap"
OUTER = (BUBBLEWRAP, NAMESPACES)
WORDS = {
    "limits": "limits",
    "user": "a user of its own",
    "files": "Landlock",
    "calls": "seccomp",
    NAMESPACES: "namespaces",
    BUBBLEWRAP: "bubblewrap",
}


class NoJailError(Exception):
    """This machine has no jail; the text says what is missing."""


@dataclass(frozen=True)
class Level:
    """How the children are held.

    Attributes:
        layers: what holds them.
        missing: what this machine lacks, and why, by name.
        possible: what a child could do that it must not.
    """

    layers: tuple[str, ...]
    missing: dict[str, str] = field(default_factory=dict)
    possible: tuple[str, ...] = ()

    @property
    def holds(self):
        """Whether strangers' code may run in it."""
        return not self.possible

    def __str__(self):
        layers = ", ".join(WORDS[layer] for layer in self.layers)
        if self.holds:
            return f"jailed ({layers})"
        return f"not jailed: an answer can {', '.join(self.possible)}" + (f" (there are {layers})" if layers else "")


class Keeper:
    """Keeps one fork server; a context that ends it.

    Args:
        root: the folder that holds the worker's package and this one.
        worker: the module that children serve with, such as "grader.worker". It has two functions: `prepare(libraries,
            packages)`, called once in the server, and `serve(requests, replies)`, called in each child.
        libraries: what the server loads once.
        packages: the folders of packages that children may import besides those installed, by name.
        layers: which layers are wanted, of `jail.lock.LAYERS` and `OUTER`: fewer to see what is left without them.

    Raises:
        NoJailError: there can be none here.
    """

    def __init__(self, root, worker, *, libraries=(), packages=None, layers=(*LAYERS, *OUTER)):
        if not hasattr(socket, "send_fds") or not sys.platform.startswith("linux"):
            raise NoJailError(f"there is no jail for {sys.platform} yet, only for Linux")
        self._lock = threading.Lock()
        self._root = str(root)
        self._setup = {
            "worker": worker,
            "libraries": list(libraries),
            "packages": {name: str(folder) for name, folder in (packages or {}).items()},
            "layers": [layer for layer in LAYERS if layer in layers],
        }
        self._wanted = layers
        self._missing = {}
        self.level = self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the server and all its children."""
        with contextlib.suppress(OSError):
            self._line.close()
        self._process.wait()

    def child(self, memory, seconds):
        """Return a new `Prisoner`.

        Args:
            memory: bytes that it may take.
            seconds: of computing, altogether.

        Raises:
            ConnectionError: the server is gone.
        """
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        try:
            order = {"order": "fork", "memory": memory, "seconds": seconds}
            number = self.ask(order, (theirs_in, theirs_out))["child"]
        except BaseException:
            os.close(ours_out)
            os.close(ours_in)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return Prisoner(self, number, os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb"))

    def ask(self, order, descriptors=()):
        """Return the server's answer to an order.

        Raises:
            ConnectionError: the server is gone.
        """
        with self._lock:
            try:
                socket.send_fds(self._line, [json.dumps(order).encode()], descriptors)
                answer = self._line.recv(LARGEST_MESSAGE)
            except OSError as error:
                raise ConnectionError(f"the fork server is gone ({error})") from None
        if not answer:
            raise ConnectionError("the fork server is gone")
        return json.loads(answer)

    def _start(self):
        """Start the server inside bubblewrap if that works here, else in namespaces if they are allowed."""
        for inside in (*(layer for layer in OUTER if layer in self._wanted), ""):
            try:
                told = self._started(inside)
            except ConnectionError:
                self._missing[inside or "server"] = "it does not start here"
                continue
            outer = (inside,) if inside and inside not in told["missing"] else ()
            missing = self._missing | told["missing"]
            return Level((*told["layers"], *outer), missing, tuple(told["possible"]))
        raise NoJailError("the fork server does not start")

    def _started(self, inside):
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-s", "-P", "-c", BOOTSTRAP, self._root, str(theirs.fileno())]
        if inside == BUBBLEWRAP:
            readable = [os.path.join(self._root, self._setup["worker"].partition(".")[0]), os.path.dirname(__file__)]
            command = namespaces.bubblewrap(
                command, [*interpreter_paths(), *self._setup["packages"].values(), *readable]
            )
        if command is None:
            self._line.close()
            theirs.close()
            raise ConnectionError("there is no bubblewrap")
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                env=environment | THREADS | {"PYTHONHASHSEED": "0", "HOME": "/"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            return self.ask(self._setup | {"namespaces": inside == NAMESPACES})
        except ConnectionError:
            self.close()
            raise


class Prisoner:
    """A child: two pipes, and what the server knows of it. It looks like a `subprocess.Popen`.

    Attributes:
        stdin, stdout: the pipes.
        returncode: how it ended: an exit code, a signal below 0; None as long as it goes on.
    """

    def __init__(self, keeper, number, stdin, stdout):
        self._keeper, self._number = keeper, number
        self.stdin, self.stdout = stdin, stdout
        self.returncode = None
        self._seconds = 0.0
        self._over = False

    def poll(self):
        """Return how it ended, or None."""
        self._ask("look")
        return self.returncode

    def computing_seconds(self):
        """Return the computing time that it has used so far."""
        self._ask("look")
        return self._seconds

    def stop(self):
        """End it, if it has not ended."""
        self._ask("end")
        self._over = True

    def _ask(self, order):
        if self._over:
            return
        try:
            told = self._keeper.ask({"order": order, "child": self._number})
        except ConnectionError:
            told = {"seconds": self._seconds, "ended": -signal.SIGKILL}  # with the server
            self._over = True
        self._seconds, self.returncode = told["seconds"], told["ended"]
