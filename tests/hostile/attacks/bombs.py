"""Processes, threads, memory and disk without end. Each is bounded, so that it does no harm where nothing holds it."""

from attack import LAYER, attack, attempting

FORKS = """
import time
pids = []
def one():
    pid = os.fork()
    if pid == 0:
        time.sleep(120)
        os._exit(0)
    return pid
"""

ATTACKS = [
    attack(
        "sixty processes",
        FORKS + "for _ in range(60):\n    attempt_one = one()\n    if attempt_one: pids.append(attempt_one)\nwon(pids)",
    ),
    attack(
        "a process that outlives the grading",
        """
        import time
        if os.fork() == 0:
            try:
                os.setsid()
                if os.fork() == 0:
                    for number in range(200):
                        time.sleep(0.1)
                        written(MARKER)
            finally:
                os._exit(0)
        """,
    ),
    attempting(
        "subprocess",
        "done(__import__('subprocess').run, [sys.executable, '-c', ''])",
        "done(__import__('subprocess').Popen, ['sleep', '120'])",
    ),
    attempting(
        "spawned", "os.posix_spawn('/bin/sleep', ['sleep', '60'], {})", "True if os.system('true') == 0 else None"
    ),
    attack(
        "another program in the place of this one",
        "os.execv('/bin/sh', ['sh', '-c', f'echo was here > {MARKER}; sleep 60'])",
    ),
    attempting(
        "multiprocessing",
        "done(__import__('multiprocessing').Process(target=print).start)",
        "done(__import__('multiprocessing').get_context('spawn').Process(target=print).start)",
    ),
    attack(
        "a pool of processes",
        "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor(2) as pool:\n    won(pool.submit(os.getpid).result(5))",
    ),
    attack(
        "fork by number",
        """
        import ctypes, platform
        libc = ctypes.CDLL(None)
        number, flags = {"x86_64": (57, 0), "aarch64": (220, 17)}[platform.machine()]
        for pid in (libc.syscall(number, flags, 0, 0, 0, 0), libc.fork()):
            if pid == 0:
                os._exit(0)
            if pid > 0:
                won(pid)
        """,
    ),
    attack(
        "a process by clone3",
        "import ctypes\nargs = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)\npid = ctypes.CDLL(None).syscall(435, ctypes.byref(args), 88)\nif pid == 0: ctypes.CDLL(None)._exit(0)\nif pid > 0: won(pid)",
    ),
    attack(
        "two thousand threads",
        """
        import threading, time
        threading.stack_size(2**16)
        for _ in range(2000):
            threading.Thread(target=time.sleep, args=(10**6,), daemon=True).start()
        """,
        seconds=10,
    ),
    attempting("more memory than there is for it", "len(bytearray(2 * 2**30))", "np.ones(2**28).sum()"),
    attack("memory, piece by piece", "kept = []\nfor _ in range(96): kept.append(np.ones(2**21))\nwon(len(kept))"),
    attempting("memory that is mapped", "len(__import__('mmap').mmap(-1, 8 * 2**30))"),
    attempting(
        "the limit on memory raised",
        "done(__import__('resource').setrlimit, 9, (-1, -1)) and len(bytearray(2 * 2**30))",
        "done(__import__('resource').setrlimit, 2, (-1, -1)) and len(bytearray(2 * 2**30))",
    ),
    attack("a result of 300 MB", "return np.ones(300 * 2**20, dtype='uint8')"),
    attack("a result that is small in memory and huge outside", "return np.broadcast_to(1.0, (2**20, 2**20))"),
    attack("a text of 50 MB as the error", "raise ValueError('A' * 50 * 2**20)"),
    attack("a number of a million digits as the error", "raise ValueError(10 ** 10**6)"),
    attack(
        "gigabytes out of kilobytes",
        "import zlib\npacked = zlib.compress(bytes(2**24), 9)\nkept = [zlib.decompress(packed) for _ in range(64)]\nwon(sum(map(len, kept)))",
    ),
    attack("tensors larger than the limit", "import torch\nwon(torch.ones(2**28).sum())", task=LAYER),
    attack("descriptors without end", "kept = []\nwhile True: kept.append(os.dup(0))"),
    attack("megabytes printed", "for _ in range(64): print('x' * 2**20, file=sys.stderr); print('y' * 2**20)"),
    attempting(
        "files where anybody may write",
        *(f"written({place!r} + NOTE)" for place in ("/tmp/", "/var/tmp/", "/dev/shm/", "", "/dev/mqueue/")),
        "written(os.path.expanduser('~/') + NOTE)",
        "written(MARKER)",
    ),
    attempting(
        "temporary files",
        "__import__('tempfile').mkstemp(prefix=NOTE)",
        "__import__('tempfile').TemporaryFile().write(bytes(2**20))",
    ),
    attempting(
        "files without a name",
        "os.write(os.open('/tmp', os.O_TMPFILE | os.O_RDWR), bytes(2**20))",
        "os.write(os.memfd_create('x'), bytes(2**20))",
    ),
    attempting(
        "shared memory",
        "__import__('multiprocessing.shared_memory').shared_memory.SharedMemory(NOTE, True, 2**20).name",
        "system_call('shmget', 0, 2**20, 0o1600)",
        "system_call('msgget', 0, 0o1600)",
        "system_call('semget', 0, 1, 0o1600)",
        "done(__import__('_multiprocessing').SemLock, 0, 1, 1, '/' + NOTE, False)",
    ),
]
