"""Other work beside the tests: whatever depends on the clock shows itself."""

import os
import subprocess
import sys
from contextlib import contextmanager

# Ends by itself when whoever started it is gone.
LOOP = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


@contextmanager
def busy_loops():
    """Keep two programs per core computing; gives their number."""
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield len(loops)
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()
