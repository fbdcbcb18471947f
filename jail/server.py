"""The fork server: loads libraries once, and forks a locked child for every piece of code that it is asked to hold.

It holds the worker's code and the libraries, and nothing that an answer must not see. It talks to one `Keeper` over a
socket whose messages have borders, in JSON; descriptors of the child's own two pipes come along. When the other side
of the socket is gone, it ends, and its children with it.
"""

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

from jail import lock as locks
from jail import namespaces, proof
from jail.linux import PR_SET_DUMPABLE, prctl
from jail.readable import interpreter_paths

LARGEST_MESSAGE = 2**16
LOCK_FAILED = 70  # the exit code of a child that could not be locked, and so ran nothing


def main(root, number):
    """Serve the keeper at the other end of a socket until it closes it.

    Args:
        root: the folder that holds the worker's package.
        number: the descriptor of the socket, in figures.
    """
    line = socket.socket(fileno=int(number))
    setup = json.loads(line.recv(LARGEST_MESSAGE))
    missing = {}
    if setup["namespaces"]:
        if namespaces.allowed():
            namespaces.enter()
        else:
            missing["namespaces"] = "the kernel does not let this user"
    prctl(PR_SET_DUMPABLE, 0)  # no process of this user may look into this one
    sys.dont_write_bytecode = True
    worker = importlib.import_module(setup["worker"])
    sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != Path(root).resolve()]
    _offer(setup["packages"])
    worker.prepare(setup["libraries"], setup["packages"])
    lock, lacking = locks.lock(tuple(setup["layers"]), (*interpreter_paths(), *setup["packages"].values()))
    gc.collect()
    gc.freeze()  # so that a child's collector does not touch, and so copy, what is shared
    lock, possible = _proved(lock)
    _tell(line, {"layers": lock.layers, "missing": missing | lacking, "possible": possible})
    _serve(line, worker, lock)


def _serve(line, worker, lock):
    children = {}
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, LARGEST_MESSAGE, 2)
        if not message:
            break
        order = json.loads(message)
        match order["order"]:
            case "fork":
                child = _fork(line, worker, lock, descriptors, order)
                children[child] = None
                _tell(line, {"child": child})
            case "look":
                _tell(line, _look(children, order["child"]))
            case "end":
                with contextlib.suppress(ProcessLookupError):
                    if _look(children, order["child"])["ended"] is None:
                        os.kill(order["child"], signal.SIGKILL)
                        _reap(children, order["child"], 0)
                _tell(line, _look(children, order["child"]))
                del children[order["child"]]
    for child, ended in children.items():
        if ended is None:
            os.kill(child, signal.SIGKILL)


def _tell(line, answer):
    line.sendall(json.dumps(answer).encode())


def _fork(line, worker, lock, descriptors, order):
    """Return the number of a new child that serves the two descriptors; it returns from nothing of this."""
    server = os.getpid()
    child = os.fork()
    if child:
        for each in descriptors:
            os.close(each)
        return child
    code = LOCK_FAILED
    try:
        requests, replies = _keep_only(descriptors, lock.rules)
        if os.getppid() == server:
            locks.close(lock, order["memory"], order["seconds"])
            code = 0
            worker.serve(os.fdopen(requests, "rb"), os.fdopen(replies, "wb"))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        code = code or 1
    finally:
        os._exit(code & 0xFF)


def _keep_only(descriptors, rules):
    """Close everything but these descriptors, the ruleset and the three that lead nowhere."""
    kept = sorted({0, 1, 2, *descriptors, *(() if rules is None else (rules,))})
    for low, high in zip(kept, [*kept[1:], 4096], strict=True):
        os.closerange(low + 1, high)
    return descriptors


def _look(children, child):
    """Return the computing time of a child so far, and how it ended (a signal is below 0); None if it goes on."""
    if children[child] is None:
        seconds = 0.0
        with contextlib.suppress(OSError):
            seconds = time.clock_gettime(~child << 3 | 2)  # the clock of a process, all its threads together
        _reap(children, child, os.WNOHANG)
        if children[child] is None:
            return {"seconds": seconds, "ended": None}
    seconds, ended = children[child]
    return {"seconds": seconds, "ended": ended}


def _reap(children, child, options):
    found, status, usage = os.wait4(child, options)
    if found:
        children[child] = (usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status))


def _offer(packages):
    """Let packages be imported from their folders, though the folder that they lie in cannot be searched."""

    class Offered:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name not in packages:
                return None
            folder = packages[name]
            first = os.path.join(folder, "__init__.py")
            return importlib.util.spec_from_file_location(name, first, submodule_search_locations=[folder])

    sys.meta_path.insert(0, Offered)


def _proved(lock):
    """Return the lock, and what a child could do in it that it must not: tried without any rights first, then, where
    the interpreter cannot be read so, with the right to read."""
    for reading in (False, True) if lock.user is not None else (False,):
        tried = replace(lock, reading=reading)
        possible = _tried(tried)
        if possible is not None:
            return tried, possible
    return lock, ("be locked",)


def _tried(lock):
    """Return what a child that is locked so can do; None if it could not be locked, or cannot read its own library."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            locks.close(lock, proof.MEMORY, 60.0)
            with open(contextlib.__file__, "rb"):
                pass
            os.write(writes, json.dumps(proof.possible()).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return tuple(json.loads(text)) if text else None
