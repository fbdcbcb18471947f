"""Answers that never come back: they compute, wait, or put off the signal that ends them."""

from attack import SCALED, SOFTMAX, attack

ATTACKS = [
    attack("a loop without end", "while True: pass"),
    attack(
        "a loop as the cell is loaded",
        source="""
            while True:
                pass
            def scaled_scores(query, key):
                return query
        """,
    ),
    attack("a loop above the answer's cell", "return LIST", above="LIST = [0]\nwhile LIST: LIST.append(LIST.pop())"),
    attack(
        "a loop that catches whatever would end it",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ),
    attack(
        "signals of the time limit ignored",
        """
        import signal
        for number in (signal.SIGXCPU, signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGPROF, signal.SIGVTALRM):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True: pass
        """,
    ),
    attack(
        "the limit on computing raised",
        """
        import resource
        for limit in ((-1, -1), (10**6, 10**6)):
            try:
                resource.setrlimit(resource.RLIMIT_CPU, limit)
            except (OSError, ValueError):
                pass
        while True: pass
        """,
    ),
    attack("a regular expression without end", "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"),
    attack("one long operation in C", "return sum(range(10**13))"),
    attack("a power of millions of digits", "return len(str(7 ** 10**8))"),
    attack("a constant that takes long to fold", "return -(-(7 ** 7 ** 9))"),
    attack("a sleep", "import time\ntime.sleep(10**6)", waits=True),
    attack(
        "a lock that nobody opens",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        waits=True,
    ),
    attack("something to read that never comes", "import os\nr, w = os.pipe()\nos.read(r, 1)", waits=True),
    attack(
        "a process that stops itself",
        "import signal\nsignal.raise_signal(signal.SIGSTOP)\nimport time\ntime.sleep(10**6)",
        waits=True,
    ),
    attack("a question at the keyboard", "return input('your grade? ')"),
    attack(
        "threads that compute while the answer waits",
        """
        import threading, time
        for _ in range(4):
            threading.Thread(target=lambda: sum(range(10**13)), daemon=True).start()
        time.sleep(10**6)
        """,
        seconds=10,
    ),
    attack(
        "a thread that computes after the answer is out",
        """
        import threading
        threading.Thread(target=lambda: sum(range(10**13))).start()
        """,
        seconds=10,
    ),
    attack(
        "a loop at exit",
        """
        import atexit, threading
        def forever():
            while True: pass
        atexit.register(forever)
        threading._register_atexit(forever)
        """,
        seconds=10,
    ),
    attack(
        "a loop in each case, just within the limit",
        "import time\nend = time.process_time() + 0.15\nwhile time.process_time() < end: pass",
        task=SCALED,
        seconds=8,
    ),
    attack("a product of large matrices", "big = np.ones((20_000, 3000))\nwhile True: big.T @ big", seconds=10),
    attack(
        "a sort that compares without end",
        "class A:\n    def __lt__(self, other):\n        while True: pass\nsorted([A(), A()])",
        task=SOFTMAX,
    ),
]
