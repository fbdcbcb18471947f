"""What a jailed child can do, what it cannot, and that this is seen where a layer is missing."""

import contextlib
import json
import os
import signal
import sys
import time

import psutil
import pytest

from jail import keeper as keepers
from jail.keeper import BUBBLEWRAP, NAMESPACES, OUTER, Keeper, NoJailError
from jail.lock import LAYERS

ALL = (*LAYERS, *OUTER)
MEMORY = 256 * 2**20


def said(child, source):
    """Return what a child says of a piece of Python: its `said`, or the name of the exception."""
    child.stdin.write(json.dumps(source).encode() + b"\n")
    child.stdin.flush()
    answer = child.stdout.readline()
    return json.loads(answer) if answer else None


@contextlib.contextmanager
def child_of(keeper):
    child = keeper.child(MEMORY, 600)
    try:
        yield child
    finally:
        child.stop()
        child.stdin.close()
        child.stdout.close()


def jailed(keeper_of, layers=ALL):
    """Return a keeper whose jail holds here; skip where there is none."""
    keeper = keeper_of(layers)
    if not keeper.level.holds:
        pytest.skip(f"on this machine, code runs {keeper.level}")
    return keeper


@pytest.mark.parametrize("outer", [(), (NAMESPACES,), (BUBBLEWRAP,)], ids=["layers alone", *OUTER[::-1]])
def test_a_child_computes(keeper_of, outer):
    with child_of(jailed(keeper_of, (*LAYERS, *outer))) as child:
        assert said(child, "said = sum(range(10))") == 45
        assert said(child, "import decimal\nsaid = str(decimal.Decimal(1) / 7)[:6]") == "0.1428"  # read when asked for
        thread = "import threading\nsaid = []\none = threading.Thread(target=said.append, args=(1,))\n"
        assert said(child, f"{thread}one.start()\none.join()") == [1]
        assert said(child, "import time\ntime.sleep(0.001)\nsaid = time.time() > 0") is True


FORBIDDEN = {
    "another file": "said = open({secret!r}).read()",
    "a file of the system": "said = open('/etc/passwd').read()",
    "a folder": "import os\nsaid = os.listdir('/')",
    "the kernel's files": "said = open('/proc/self/environ').read()",
    "the parent's memory": "import os\nsaid = open(f'/proc/{{os.getppid()}}/mem', 'rb').read(1)",
    "a new file": "open('/tmp/mark', 'w').write('x')\nsaid = 'written'",
    "a file in shared memory": "open('/dev/shm/mark', 'w').write('x')\nsaid = 'written'",
    "a file without a name": "import os\nsaid = os.memfd_create('x')",
    "a link": "import os\nos.symlink('/etc', '/tmp/link')\nsaid = 'linked'",
    "a mode": "import os\nos.chmod({secret!r}, 0)\nsaid = 'changed'",
    "a process": "import os\npid = os.fork()\nos._exit(0) if pid == 0 else None\nsaid = pid",
    "a process by another way": "import os\nsaid = os.posix_spawn('/bin/true', ['true'], {{}})",
    "a program": "import os\nos.execv('/bin/true', ['true'])",
    "a program without a file": "import os, sys\nos.execve(0, ['x'], {{}})",
    "a signal to its parent": "import os\nos.kill(os.getppid(), 9)\nsaid = 'sent'",
    "a signal to all": "import os\nos.kill(-1, 9)\nsaid = 'sent'",
    "a connection": "import socket\nsaid = str(socket.socket())",
    "a local connection": "import socket\nsaid = str(socket.socketpair())",
    "limits of others": "import os, resource\nsaid = resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "limits of its own": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))\nsaid = 'set'",
    "another user": "import os\nos.setuid(1)\nsaid = 'changed'",
    "a pipe": "import os\nsaid = os.pipe()",
    "a timer": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 1)\nsaid = 'set'",
    "much memory": "said = len(bytearray(2**30))",
    "memory of others": "import mmap\nsaid = len(mmap.mmap(-1, 2**30))",
    "a folder of its own": "import os\nos.chdir('/')\nsaid = 'moved'",
    "a view of its own": "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000):\n    raise OSError",
    "the parent's memory by a call": (
        "import ctypes, os\nif ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) < 0:\n    raise OSError"
    ),
    "to outlive its parent": "import ctypes\nif ctypes.CDLL(None).prctl(1, 0, 0, 0, 0):\n    raise OSError",
}


@pytest.mark.parametrize("outer", [(), (NAMESPACES,), (BUBBLEWRAP,)], ids=["layers alone", *OUTER[::-1]])
@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_child_cannot_have(keeper_of, root, what, outer):
    with child_of(jailed(keeper_of, (*LAYERS, *outer))) as child:
        answer = said(child, FORBIDDEN[what].format(secret=str(root / "secret.txt")))
        refused = ("PermissionError", "OSError", "MemoryError", "FileNotFoundError", "NotADirectoryError", "ValueError")
        assert answer in (*refused, "error", "itimer_error"), what
        assert child.poll() is None


MISSING = {
    "files": "read what the kernel tells of processes",
    "calls": "open connections",
    "limits": "take all memory",
}


@pytest.mark.parametrize("layer", MISSING)
def test_a_missing_layer_is_seen(keeper_of, layer):
    """As on a kernel that lacks it: what is possible without is found by trying, and the level says so."""
    level = keeper_of(tuple(one for one in ALL if one != layer)).level
    assert not level.holds
    assert MISSING[layer] in level.possible
    assert str(level).startswith("not jailed: an answer can ")


def test_without_any_layer_everything_is_possible(keeper_of):
    level = keeper_of(()).level
    assert level.layers == ()
    assert {"read other files", "start processes", "run programs", "open connections"} <= set(level.possible)


def test_the_level_names_the_layers(keeper_of):
    level = jailed(keeper_of).level
    assert {"limits", "files", "calls"} <= set(level.layers)
    assert str(level).startswith("jailed (limits, ")
    assert ("user" in level.layers) == (os.getuid() == 0)


def test_root_is_given_up(keeper_of):
    with child_of(jailed(keeper_of)) as child:
        assert 0 not in said(child, "import os\nsaid = [os.getuid(), os.geteuid(), os.getgid()]")


def test_children_share_nothing(keeper_of):
    keeper = jailed(keeper_of)
    with child_of(keeper) as one, child_of(keeper) as other:
        assert said(one, "import math\nmath.pi = 3\nsaid = math.pi") == 3
        assert said(other, "import math\nsaid = round(math.pi, 2)") == 3.14


def test_the_same_is_drawn_every_time(keeper_of):
    """Or a second grading could give another grade."""
    sets = []
    for _ in range(2):
        with child_of(jailed(keeper_of)) as child:
            sets.append(said(child, "said = [hash('a'), list({'a', 'b', 'c', 'd'})]"))
    assert sets[0] == sets[1]


def test_how_a_child_ends_is_told(keeper_of):
    with child_of(jailed(keeper_of)) as child:
        assert said(child, "import os\nos._exit(7)") is None
        child.stop()
        assert child.returncode == 7
    with child_of(keeper_of()) as child:
        assert said(child, "import ctypes\nctypes.string_at(0)") is None
        child.stop()
        assert child.returncode == -signal.SIGSEGV
    with child_of(keeper_of()) as child:
        assert child.poll() is None
        child.stop()
        assert child.returncode == -signal.SIGKILL


def test_computing_counts_and_waiting_does_not(keeper_of):
    with child_of(jailed(keeper_of)) as child:
        before = child.computing_seconds()
        said(child, "import time\ntime.sleep(0.3)")
        waited = child.computing_seconds()
        said(child, "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass")
        assert waited - before < 0.2
        assert child.computing_seconds() - waited >= 0.25


def test_nothing_outlives_the_keeper(root):
    with Keeper(root, "worker.runs") as keeper:
        child = keeper.child(MEMORY, 600)
        server = psutil.Process(keeper._process.pid)
        before = {server.pid, *(process.pid for process in server.children(recursive=True))}
    for _ in range(600):  # what was killed may take a moment to be gone
        left = [number for number in before if psutil.pid_exists(number)]
        if not left:
            break
        time.sleep(0.1)
    assert len(before) >= 2
    assert left == []
    child.stdin.close()
    child.stdout.close()


def test_a_server_that_is_gone_is_told(root):
    with Keeper(root, "worker.runs") as keeper:
        child = keeper.child(MEMORY, 600)
        for process in psutil.Process(keeper._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended with the one before
                process.kill()
        keeper._process.kill()
        keeper._process.wait()
        with pytest.raises(ConnectionError, match="the fork server is gone"):
            keeper.child(MEMORY, 600)
        assert child.poll() == -signal.SIGKILL
        child.stdin.close()
        child.stdout.close()


def test_elsewhere_there_is_no_jail(root, monkeypatch):
    monkeypatch.setattr(keepers.sys, "platform", "darwin")
    with pytest.raises(NoJailError, match="there is no jail for darwin yet, only for Linux"):
        Keeper(root, "worker.runs")
    assert sys.platform == "darwin"
