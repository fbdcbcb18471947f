"""What stays: from case to case, from task to task, from one notebook to the next."""

import textwrap

from attack import HONEST, SCALED, VARIANCE, Attack, attack, dedented

THE_OTHER = dedented(HONEST[VARIANCE])


def handed_on(name, leave, fetch, points=5):
    """Return an attack whose first answer, an honest one, leaves something as it is called, for the second, which is
    worth nothing unless it finds it."""
    first = dedented(HONEST[SCALED]).replace("    return", textwrap.indent(dedented(leave), "    ") + "\n    return")
    second = """
import sys, os
import numpy as np
def unit_variance_scores(query, key, query_std, key_std):
    import math
    found = None
    try:
        found = fetch()
    except Exception:
        pass
    if found is None:
        return query @ key.swapaxes(-2, -1)
    return query @ key.swapaxes(-2, -1) / np.sqrt(np.sum(query_std**2 * key_std**2))
def fetch():
""" + "\n".join("    " + line for line in dedented(fetch).splitlines())
    return Attack(name, {SCALED: first, VARIANCE: second}, {SCALED: points, VARIANCE: 0})


ATTACKS = [
    handed_on(
        "left in a module",
        "import builtins, sys, numpy\nbuiltins.left = numpy.left = sys.left = 1",
        "import builtins\nreturn getattr(builtins, 'left', None) or getattr(np, 'left', None) or getattr(sys, 'left', None)",
    ),
    handed_on(
        "left in the environment",
        "import os\nos.environ[NOTE] = '1'\nos.putenv(NOTE, '1')",
        "return os.environ.get(NOTE)",
    ),
    handed_on(
        "left in a file",
        "import os\nfor place in ('/tmp/', '/var/tmp/', '/dev/shm/', '', os.path.expanduser('~/')):\n    try: open(place + NOTE, 'w').write('1')\n    except OSError: pass",
        "for place in ('/tmp/', '/var/tmp/', '/dev/shm/', '', os.path.expanduser('~/')):\n    if os.path.exists(place + NOTE): return 1",
    ),
    handed_on(
        "left in shared memory",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmget(int(NOTE[:7], 16), 4096, 0o1666)",
        "import ctypes\nreturn 1 if ctypes.CDLL(None).shmget(int(NOTE[:7], 16), 4096, 0) >= 0 else None",
    ),
    handed_on(
        "left in a thread that listens",
        "import threading, socket\ndef serve():\n    door = socket.socket(socket.AF_UNIX)\n    door.bind('\\0' + NOTE)\n    door.listen()\n    door.accept()\ntry: threading.Thread(target=serve, daemon=True).start()\nexcept Exception: pass",
        "import socket\ndoor = socket.socket(socket.AF_UNIX)\ndoor.connect('\\0' + NOTE)\nreturn 1",
    ),
    handed_on(
        "left in the working folder",
        "import os\ntry: os.mkdir(NOTE)\nexcept OSError: pass",
        "return 1 if os.path.isdir(NOTE) else None",
    ),
    handed_on(
        "left in a lock on a file",
        "import fcntl, sys\ntry:\n    KEPT = open(sys.executable, 'rb')\n    fcntl.flock(sys.kept, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError: pass",
        "import fcntl\ntry:\n    fcntl.flock(open(sys.executable, 'rb'), fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept BlockingIOError:\n    return 1",
    ),
    handed_on(
        "left in the libraries' settings",
        "import numpy as np\nnp.set_printoptions(precision=3)\nnp.seterr(all='ignore')",
        "return 1 if np.get_printoptions()['precision'] == 3 else None",
    ),
    handed_on(
        "left in the table of modules",
        "import sys, types\nsys.modules['left'] = types.ModuleType('left')",
        "import left\nreturn left",
    ),
    attack(
        "NumPy broken for whoever comes after",
        "np.matmul = np.sqrt = np.sum = np.asarray = np.array = None\nfor name in list(vars(np)):\n    try: delattr(np, name)\n    except Exception: pass",
    ),
    attack(
        "the interpreter broken for whoever comes after",
        "import builtins, sys\nfor name in ('len', 'isinstance', 'getattr', '__import__', 'open', 'type'):\n    setattr(builtins, name, None)\nsys.modules.clear()",
    ),
    attack(
        "PyTorch broken for whoever comes after",
        "import torch\ntorch.Tensor.__matmul__ = torch.exp = torch.from_numpy = None\ntorch.set_default_dtype(torch.float16)\ntorch.use_deterministic_algorithms(True)\ntorch.set_grad_enabled(False)",
        task="05.self_attention",
    ),
    attack(
        "threads and random numbers of others",
        "import random, threading\nrandom.seed(0)\nnp.random.seed(0)\nthreading.excepthook = sys.excepthook = None\nsys.setrecursionlimit(60)\nsys.setswitchinterval(100)",
    ),
    attack(
        "an import that stays",
        "import sys\nclass Mine:\n    @staticmethod\n    def find_spec(name, path=None, target=None):\n        raise SystemExit(name)\nsys.meta_path.insert(0, Mine)\nsys.path_hooks.insert(0, Mine)\nsys.path[:] = []",
    ),
    attack(
        "right once, and then what it was",
        "key_of = str(query.shape)\nif key_of not in KEPT:\n    KEPT[key_of] = query @ key.swapaxes(-2, -1) / np.sqrt(np.array(query.shape[-1], query.dtype))\nreturn KEPT[key_of]",
        above="KEPT = {}",
        earns=4,
    ),
    attack(
        "the inputs changed to what makes it right", "query[...] = 0\nkey[...] = 0\nreturn query @ key.swapaxes(-2, -1)"
    ),
    attack(
        "the inputs changed after the result is out",
        "import threading, time\ndef later():\n    for _ in range(1000):\n        query[...] = 0\nthreading.Thread(target=later, daemon=True).start()",
        earns=0,
    ),
]
