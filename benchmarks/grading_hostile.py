"""Hostile submissions for benchmarks/grading.py: each kind puts a stop to grading if nothing holds it.

tests/hostile has many more, and says what grade each must get; here is what costs time and memory.
"""

import dataclasses
import random

ATTACKS = {
    "a loop without end": "while True: pass",
    "a sleep": "import time; time.sleep(10**6)",
    "memory without end": "kept = []\n    while True: kept.append(bytearray(10**8))",
    "an exit": "import os; os._exit(0)",
    "a crash": "import ctypes; ctypes.string_at(0)",
    "processes without end": "import os\n    while True: os.fork()",
    "threads that compute": (
        "import threading, time\n    for _ in range(8): threading.Thread(target=sum, args=[range(10**12)]).start()"
        "\n    time.sleep(10**6)"
    ),
    "a gigantic result": "import numpy as np; return np.zeros((40000, 40000))",
    "words without end": "while True: print('x' * 10**6)",
    "recursion without end": "f = lambda: f(); f()",
    "a loop that catches what would end it": (
        "while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    ),
    "a large power": "return 7 ** 10**9",
    "nesting without end": "return " + "(" * 5000 + ")" * 5000,
    "many branches": "".join(f"{'el' if n else ''}if {n} is None: return {n}\n    " for n in range(900)),
}


def with_attacks(chapter, submissions, count, seed):
    """Return the submissions with `count` of them made hostile: all kinds in turn, each in the place of one answer."""
    rng = random.Random(seed)
    kinds = list(ATTACKS.values())
    hostile = {}
    for number, place in enumerate(rng.sample(range(len(submissions)), count)):
        task = rng.choice([task for task in chapter.tasks if task.build is None])
        names = ", ".join(task.inputs(task.cases[0], 0))
        source = f"def {task.function}({names}):\n    {kinds[number % len(kinds)]}\n"
        one = submissions[place]
        hostile[place] = dataclasses.replace(one, answers={**one.answers, task.function: source})
    return [hostile.get(place, one) for place, one in enumerate(submissions)]
