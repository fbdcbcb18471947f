"""What attacks reach for, made so that whatever reaches it is seen: files, sockets, memory, a process table."""

import contextlib
import ctypes
import hashlib
import os
import secrets
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import psutil

SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue")  # where anybody may write
PATIENCE = 600  # looks at the process table; one suffices on a quiet machine
LINUX = sys.platform.startswith("linux")


class Canaries:
    """Use them as a context; `names` are what attacks know of them, `seen` what became of them since it was asked last.

    Attributes:
        folder: where the files are.
    """

    def __init__(self):
        self.token = secrets.token_hex(8)
        self._texts = {f"the {what}": secrets.token_hex(16) for what in ("secret file", "memory", "environment")}
        self._texts |= {f"{what}'s file": secrets.token_hex(16) for what in ("a classmate", "the gradebook")}
        self._won = secrets.token_hex(16)
        self._doors = {}

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix=f"canaries-{self.token}-"))
        self._cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o777)
        self.memory = ctypes.create_string_buffer(self._texts["the memory"].encode())
        os.environ["CANARY"] = self._texts["the environment"]
        self._cleanup.callback(os.environ.pop, "CANARY")
        self._write_files()
        self._open_doors()
        self._kept = self._state()
        if LINUX:  # what is left without a parent becomes ours, and is found
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
            self._cleanup.callback(ctypes.CDLL(None).prctl, 36, 0, 0, 0, 0)
        return self

    def __exit__(self, *_):
        _remove(self._litter())
        self._cleanup.close()

    def names(self, number):
        """Return the names that an attack knows, each a text or a number, and a mark of its own."""
        host, port = self._doors["TCP"].getsockname()
        return {
            "SECRET": str(self.folder / "secret.txt"),
            "CLASSMATE": str(self.folder / "class" / "ann.ipynb"),
            "GRADEBOOK": str(self.folder / "class" / "gradebook.sqlite"),
            "REPORT": str(self.folder / "class" / "report.json"),
            "MARKER": str(self.folder / "marks" / f"{self.token}-{number}"),
            "NOTE": f"{self.token}-{number}",
            "REPOSITORY": str(Path(__file__).parents[2]),
            "JUDGE": os.getpid(),
            "ADDRESS": ctypes.addressof(self.memory),
            "LENGTH": len(self.memory.value),
            "HOST": host,
            "TCP": port,
            "UDP": self._doors["UDP"].getsockname()[1],
            "UNIX": str(self.folder / "door"),
            "DATAGRAMS": str(self.folder / "letters"),
            "ABSTRACT": f"canary-{self.token}",
            "WON": self._won.encode().hex(),
        }

    def seen(self, report=""):
        """Return what was reached since this was asked last, in words.

        Args:
            report: all texts that came of an attack: the secrets must not be among them.
        """
        found = [f"{what} was read" for what, text in self._texts.items() if text in report]
        if self._won in report:
            found.append(f"it says that it won:{report.partition(self._won)[2][:120]}")
        found += [f"{name} was reached" for name, door in self._doors.items() if _knocked(door)]
        if self.memory.value != self._texts["the memory"].encode():
            found.append("the memory was changed")
            self.memory.value = self._texts["the memory"].encode()
        litter, state = self._litter(), self._state()
        found += [
            f"{path} is not as it was" for path in {**state, **self._kept} if state.get(path) != self._kept.get(path)
        ]
        found += [f"{path} was made" for path in litter]
        _remove(litter)
        if found:
            self._write_files()
            self._kept = self._state()
        return found

    def left_over(self, ours=()):
        """Return the processes that are still there, below this one, besides `ours`; they are ended."""
        for _ in range(PATIENCE if LINUX else 1):
            left = [one for one in psutil.Process().children(recursive=True) if one not in ours and _lives(one)]
            if not left:
                return []
            time.sleep(0.05)
        names = [_name(one) for one in left]
        for one in left:
            with contextlib.suppress(psutil.Error):
                one.kill()
        return names

    def _write_files(self):
        """Make the files that others have here; all may read and write them, so that only a jail keeps them."""
        for folder in (self.folder / "class", self.folder / "marks"):
            with contextlib.suppress(OSError):  # an attack may have taken its rights
                folder.chmod(0o777)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            folder.chmod(0o777)
        text, book = self._texts["a classmate's file"], self.folder / "class" / "gradebook.sqlite"
        files = {"secret.txt": self._texts["the secret file"], "class/report.json": "[]", "class/ben.ipynb": "{}"}
        for name, content in {**files, "class/ann.ipynb": text}.items():
            (self.folder / name).write_text(content, encoding="utf-8")
        with contextlib.closing(sqlite3.connect(book)) as connection, connection:
            connection.execute("create table points (student, points)")
            connection.execute("insert into points values (?, 0)", (self._texts["the gradebook's file"],))
        for path in (*map(self.folder.joinpath, files), self.folder / "class" / "ann.ipynb", book):
            path.chmod(0o666)

    def _open_doors(self):
        """Listen at sockets of every kind that leads out of a process."""
        kinds = {"TCP": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))}
        kinds["UDP"] = (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        if hasattr(socket, "AF_UNIX"):
            kinds["the Unix socket"] = (socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "door"))
            kinds["the Unix mailbox"] = (socket.AF_UNIX, socket.SOCK_DGRAM, str(self.folder / "letters"))
        if LINUX:
            kinds["the abstract socket"] = (socket.AF_UNIX, socket.SOCK_STREAM, f"\0canary-{self.token}")
        for name, (family, kind, address) in kinds.items():
            door = self._cleanup.enter_context(socket.socket(family, kind))
            door.bind(address)
            door.setblocking(False)
            if kind == socket.SOCK_STREAM:
                door.listen(64)
            if isinstance(address, str) and not address.startswith("\0"):
                os.chmod(address, 0o777)
            self._doors[name] = door

    def _state(self):
        """Return what each file here is: its kind, rights, times and content."""
        paths = [self.folder / "class", *sorted((self.folder / "class").rglob("*")), self.folder / "secret.txt"]
        return {path: _state_of(path) for path in paths}

    def _litter(self):
        """Return what bears our mark in places where anybody may write, or where an attack was pointed to."""
        root = Path(__file__).parents[2]
        places = [
            *map(Path, SHARED),
            Path(tempfile.gettempdir()),
            Path.cwd(),
            Path.home(),
            root,
            root / "grader",
            root / "grader" / "__pycache__",
        ]
        places += [self.folder / "marks", root / ".git"]
        places += [Path(place) for place in sys.path if place.endswith("site-packages")]
        found = []
        for place in dict.fromkeys(places):
            with contextlib.suppress(OSError):
                found += [place / name for name in os.listdir(place) if self.token in name]
        return [path for path in found if path != self.folder]


def _remove(paths):
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _state_of(path):
    about, content = path.lstat(), ""
    if path.is_file() and not path.is_symlink():
        with contextlib.suppress(OSError):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
    extra = tuple(os.listxattr(path)) if hasattr(os, "listxattr") and not path.is_symlink() else ()
    times = () if path.is_dir() else (about.st_mtime_ns,)
    return about.st_mode, about.st_uid, about.st_nlink, times, content, extra


def _knocked(door):
    """Tell whether anybody came to a socket; takes all that came."""
    came = False
    with contextlib.suppress(BlockingIOError):
        while True:
            if door.type == socket.SOCK_STREAM:
                door.accept()[0].close()
            else:
                door.recv(2**16)
            came = True
    return came


def _lives(process):
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return True
        with contextlib.suppress(ChildProcessError):  # a child's child that became ours
            os.waitpid(process.pid, os.WNOHANG)
    except psutil.Error:
        pass
    return False


def _name(process):
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return str(process.pid)
