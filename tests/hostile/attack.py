"""How an attack is written down: what somebody hands in, and the grade that it must get."""

import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SCALED, VARIANCE = "02.scaled_scores", "02.unit_variance_scores"
SOFTMAX, LAYER, COUNT = "03.softmax", "05.self_attention", "05.count_parameters"

# What each task is called with, and what an attack returns that has done its work: a wrong result.
SIGNATURES = {
    SCALED: ("scaled_scores(query, key)", "query @ key.swapaxes(-2, -1)"),
    VARIANCE: ("unit_variance_scores(query, key, query_std, key_std)", "query @ key.swapaxes(-2, -1)"),
    SOFTMAX: ("softmax(scores)", "0 * scores"),
    LAYER: ("self_attention(x, W_q, W_k, W_v, W_o)", "0 * x"),
    COUNT: ("count_parameters(d_model, d_k, bias)", "-1"),
}
HONEST = {
    SCALED: """
        import math
        def scaled_scores(query, key):
            return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    """,
    VARIANCE: """
        import numpy as np
        def unit_variance_scores(query, key, query_std, key_std):
            return query @ key.swapaxes(-2, -1) / np.sqrt(np.sum(query_std**2 * key_std**2))
    """,
    SOFTMAX: """
        import numpy as np
        def softmax(scores):
            exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
            return exponentials / exponentials.sum(axis=-1, keepdims=True)
    """,
    LAYER: """
        import math, torch
        def self_attention(x, W_q, W_k, W_v, W_o):
            scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[-1])
            raised = torch.exp(scores - scores.amax(-1, keepdim=True))
            return raised / raised.sum(-1, keepdim=True) @ (x @ W_v) @ W_o
    """,
    COUNT: """
        def count_parameters(d_model, d_k, bias):
            return 4 * d_model * d_k + (3 * d_k + d_model if bias else 0)
    """,
}
WORTH = {SCALED: 5, VARIANCE: 5, SOFTMAX: 9, LAYER: 9, COUNT: 6}
BESIDE = {"02": VARIANCE, "03": "", "05": ""}  # what is answered honestly in the same notebook

# What attacks call. The text that says so is nowhere in the source, so a report that quotes a line does not say it.
TOOLS = '''
def won(what=""):
    """Say that something was reached that must be out of reach."""
    raise RuntimeError(bytes.fromhex(WON).decode() + " " + str(what)[:1500])


def attempt(action):
    """Say so if an action succeeds and gives anything but None."""
    try:
        value = action()
    except BaseException:
        return
    if value is not None:
        won(value)


def opened(path, flags):
    """Return the descriptor of a file."""
    import os
    return os.open(path, flags, 0o600)


def written(path, text="was here"):
    """Write a file, and return its path."""
    with open(path, "w") as file:
        file.write(text)
    return path


def done(action, *given, **options):
    """Return True where a call gives no error."""
    action(*given, **options)
    return True


def system_call(name, *given):
    """Return what the kernel says to a call by number; None for an error."""
    import ctypes, platform
    numbers = {
        "x86_64": dict(clone=56, fork=57, vfork=58, kill=62, ptrace=101, setrlimit=160, tgkill=234, unshare=272,
                       prlimit64=302, process_vm_readv=310, process_vm_writev=311, memfd_create=319, bpf=321,
                       userfaultfd=323, io_uring_setup=425, pidfd_open=434, clone3=435, shmget=29, keyctl=250,
                       perf_event_open=298, add_key=248, mount=165, chroot=161, chmod=90, fchmodat=268, fchmodat2=452,
                       utimensat=280, setxattr=188, setns=308, msgget=68, semget=64, rt_sigqueueinfo=129,
                       name_to_handle_at=303, open_by_handle_at=304, swapon=167, reboot=169, settimeofday=164,
                       sethostname=170, kcmp=312, pidfd_getfd=438, mq_open=240, inotify_init=253, symlink=88,
                       fanotify_init=300, quotactl=179, acct=163, syslog=103, sched_setaffinity=203, setpriority=141,
                       process_madvise=440, init_module=175, pivot_root=155, landlock_create_ruleset=444),
        "aarch64": dict(clone=220, kill=129, ptrace=117, setrlimit=164, tgkill=131, unshare=97, prlimit64=261,
                        process_vm_readv=270, process_vm_writev=271, memfd_create=279, bpf=280, userfaultfd=282,
                        io_uring_setup=425, pidfd_open=434, clone3=435, shmget=194, keyctl=219, perf_event_open=241,
                        add_key=217, mount=40, chroot=51, fchmodat=53, fchmodat2=452, utimensat=88, setxattr=5,
                        setns=268, msgget=186, semget=190, rt_sigqueueinfo=138, name_to_handle_at=264,
                        open_by_handle_at=265, kcmp=272, pidfd_getfd=438, mq_open=180, fanotify_init=262,
                        sched_setaffinity=122, setpriority=140, pivot_root=41),
    }[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    given = [ctypes.c_char_p(one) if isinstance(one, bytes) else one if hasattr(one, "_type_") or hasattr(one, "_obj")
             else ctypes.c_long(one) for one in given]
    said = libc.syscall(ctypes.c_long(numbers[name]), *given)
    return None if said < 0 else said + 1
'''


@dataclass(frozen=True)
class Attack:
    """One hostile notebook.

    Attributes:
        name: what it tries, in words.
        answers: the source of each answer's cell, by task.
        earns: the points that each must get; None where either is right, for what is honest work in odd clothes.
        above: the source of a cell above them.
        chapter: of the tasks.
        waits: whether it waits for nothing, so that its patience is short.
        may_be_flagged: whether points are right as long as the instructor is told.
        seconds: of computing that it may cost beyond what an honest notebook costs.
        raw: makes the bytes of the whole file, for what no notebook can say. Takes the names of the canaries.
        beside: makes the bytes of the files beside it, by name, from the names of the canaries.
        given: how the file is called; the attack's name if "".
        readable: whether the file must be one that can be graded at all; None where either is right.
    """

    name: str
    answers: Mapping[str, str] = field(default_factory=dict)
    earns: Mapping[str, int | None] = field(default_factory=dict)
    above: str = ""
    chapter: str = "02"
    waits: bool = False
    may_be_flagged: bool = False
    seconds: float = 4.0
    raw: Callable[[Mapping[str, object]], bytes] | None = None
    beside: Callable[[Mapping[str, object]], dict[str, bytes]] = lambda _: {}
    given: str = ""
    readable: bool | None = True

    def notebook(self, names):
        """Return the bytes of the file; `names` are those of the canaries, by which attacks reach for them."""
        if self.raw is not None:
            return self.raw(names)
        constants = "\n".join(f"{name} = {value!r}" for name, value in names.items())
        cells = [cell(constants), cell(TOOLS), cell(self.above)]
        return notebook(*cells, *(cell(source, task) for task, source in self.answers.items()))


def attack(name, body="", *, task=SCALED, source=None, earns=0, alone=False, **options):
    """Return an `Attack` on one task, beside an honest answer to another.

    Args:
        name: what it tries.
        body: of the answer's function; a wrong result is returned at its end.
        task: the task.
        source: the whole cell, in the place of a body.
        earns: points for it.
        alone: leave the honest answer out.
        **options: those of `Attack`.
    """
    chapter = task.partition(".")[0]
    beside = BESIDE[chapter]
    honest = {} if alone or options.get("waits") or not beside else {beside: HONEST[beside]}
    answers = {task: function(task, body) if source is None else source, **honest}
    points = {task: earns, **{other: WORTH[other] for other in honest}}
    return Attack(name, {one: dedented(text) for one, text in answers.items()}, points, chapter=chapter, **options)


def attempting(name, *expressions, **options):
    """Return an `Attack` that evaluates expressions, none of which may give anything but an error or None."""
    return attack(name, "\n".join(f"attempt(lambda: {one})" for one in expressions), **options)


def function(task, body):
    """Return the source of an answer with this body, and a wrong result at its end."""
    signature, wrong = SIGNATURES[task]
    inside = textwrap.indent(dedented(body) + f"\nreturn {wrong}", "    ")
    return f"import os, sys\nimport numpy as np\ndef {signature}:\n{inside}\n"


def dedented(text):
    return textwrap.dedent(text).strip("\n")


def cell(source, task="", **others):
    """Return a code cell as a dictionary, marked as the answer to a task."""
    metadata = {"course": {"answer": task}} if task else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], **others}


def notebook(*cells, **others):
    """Return the bytes of a notebook of these cells."""
    whole = {"cells": list(cells), "nbformat": 4, "nbformat_minor": 5, "metadata": {}, **others}
    return json.dumps(whole).encode()


def honest_notebook(*tasks):
    """Return the bytes of a notebook with right answers to these tasks."""
    return notebook(*(cell(dedented(HONEST[task]), task) for task in tasks))
