"""Answers that end their process, or try to end or stop others by signals."""

from attack import attack, attempting

ATTACKS = [
    attack("os._exit with a code of success", "os._exit(0)"),
    attack("sys.exit", "sys.exit(0)"),
    attack(
        "sys.exit as the cell is loaded",
        source="import sys\nsys.exit(0)\ndef scaled_scores(query, key):\n    return query",
    ),
    attack("KeyboardInterrupt, as if from the keyboard", "raise KeyboardInterrupt"),
    attack(
        "KeyboardInterrupt as the cell is loaded",
        source="raise KeyboardInterrupt\ndef scaled_scores(query, key):\n    return 0",
    ),
    attack("GeneratorExit", "raise GeneratorExit"),
    attack("an exception of no common kind", "class Ended(BaseException): pass\nraise Ended('x')"),
    attack("an abort", "os.abort()"),
    attack("a null pointer", "import ctypes\nctypes.string_at(0)"),
    attack("a stack that overflows in C", "sys.setrecursionlimit(10**9)\ndef f(): return f()\nf()"),
    attack(
        "a structure nested deeper than the stack",
        "nested = []\nfor _ in range(10**5): nested = [nested]\nreturn nested == nested[:]",
    ),
    attack("its own process killed", "import signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    attack("a real-time signal", "import signal\nsignal.raise_signal(signal.SIGRTMIN + 3)"),
    attack("faulthandler ends the process", "import faulthandler\nfaulthandler._sigsegv()"),
    attack("an alarm in a moment", "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.001)\nwhile True: pass"),
    attempting("a signal to the parent", "done(os.kill, os.getppid(), 28)"),
    attempting("a signal to the judge", "done(os.kill, JUDGE, 28)", "done(os.kill, JUDGE, 0)"),
    attempting("a signal to everybody", "done(os.kill, -1, 0)", "done(os.killpg, os.getpgid(os.getppid()), 28)"),
    attempting(
        "signals by the kernel's other doors",
        "system_call('tgkill', JUDGE, JUDGE, 28)",
        "system_call('kill', os.getppid(), 28)",
        "system_call('pidfd_open', JUDGE, 0)",
        "system_call('pidfd_open', os.getppid(), 0)",
    ),
    attempting(
        "the judge's limits lowered",
        "done(__import__('resource').prlimit, JUDGE, 4, (0, 0))",
        "done(__import__('resource').prlimit, os.getppid(), 4, (0, 0))",
        "system_call('prlimit64', JUDGE, 4, 0, 0)",
    ),
    attempting(
        "the judge's priority lowered",
        "done(os.setpriority, os.PRIO_PROCESS, JUDGE, 1)",
        "done(os.sched_setaffinity, JUDGE, {0, 1})",
        "done(os.setpriority, os.PRIO_PROCESS, os.getppid(), 1)",
    ),
    attack("asked for a terminal, and hung up", "import signal\nos.setsid()\nos.kill(0, signal.SIGHUP)"),
]
