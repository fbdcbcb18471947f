"""A jail for other people's code on Linux: processes that can compute, and nothing else. It knows nothing of grading.

A *server* (`server.py`) loads libraries once and forks a child for every piece of code; the child locks itself down
(`lock.py`) before it looks at any of it. Whoever wants children asks a `Keeper` for them. What this machine has to
offer is not looked up but tried: a first child shows what it cannot do (`proof.py`), and the `Level` says so.
"""
