"""Answers that take hold of what is open: the line to the judge, and whatever else they were born with."""

from attack import attack, attempting

EACH = "for number in range(0, 256):\n    try:\n        {}\n    except (OSError, ValueError):\n        pass"

ATTACKS = [
    attack("nonsense written to all that is open", EACH.format("os.write(number, b'x' * 64)")),
    attack("a gigabyte announced to all that is open", EACH.format("os.write(number, (2**30).to_bytes(8, 'little'))")),
    attack("a negative length announced", EACH.format("os.write(number, b'\\xff' * 16)")),
    attack(
        "half a message, then nothing",
        EACH.format("os.write(number, (1000).to_bytes(8, 'little') + b'[{')") + "\nimport time\ntime.sleep(10**6)",
        waits=True,
    ),
    attack(
        "a message that comes byte by byte",
        "import time\ntime.sleep(0.01)\nfor _ in range(10**6):\n"
        + "    for number in range(3, 64):\n        try:\n            os.write(number, b'\\0')\n        except OSError:\n            pass\n    time.sleep(0.05)",
        waits=True,
    ),
    attack(
        "a flood on all that is open",
        EACH.format("os.set_blocking(number, False)\n        for _ in range(64): os.write(number, bytes(2**16))"),
    ),
    attack("all closed", "os.closerange(0, 1024)"),
    attack("all closed, and a loop", "os.closerange(0, 1024)\nwhile True: pass"),
    attack("all closed, and a wait", "os.closerange(0, 1024)\nimport time\ntime.sleep(10**6)", waits=True),
    attack(
        "all changed for another",
        "r, w = os.pipe()\n" + EACH.format("number in (r, w) or os.dup2(r if number % 2 else w, number)"),
    ),
    attack("all made not to wait", EACH.format("os.set_blocking(number, False)")),
    attack("all read empty", EACH.format("os.set_blocking(number, False)\n        os.read(number, 2**20)"), waits=True),
    attack(
        "what is open, read by whoever reads",
        "found = []\n"
        + EACH.format("os.set_blocking(number, False)\n        found.append(os.pread(number, 4096, 0))")
        + "\nraise ValueError(found)",
    ),
    attempting(
        "the judge's descriptors",
        "os.listdir(f'/proc/{JUDGE}/fd')",
        "os.listdir(f'/proc/{os.getppid()}/fd')",
        "open(f'/proc/{JUDGE}/fd/1', 'w').write('x')",
        "open(f'/proc/{os.getppid()}/fd/0').read(1)",
    ),
    attempting(
        "all that is said of other processes",
        *(
            f"open(f'/proc/{{{who}}}/{what}', 'rb').read() or None"
            for who in ("JUDGE", "os.getppid()")
            for what in ("environ", "maps", "cmdline")
        ),
    ),
    attack("its own environment", "raise ValueError(dict(os.environ))"),
    attempting(
        "its parent's memory by /proc",
        "seek_and_read(f'/proc/{JUDGE}/mem')",
        "seek_and_read(f'/proc/{os.getppid()}/mem')",
        above="""
def seek_and_read(path):
    with open(path, "rb", 0) as file:
        file.seek(ADDRESS)
        return file.read(LENGTH)
""",
    ),
    attempting(
        "its parent's memory changed by /proc",
        "seek_and_write(f'/proc/{JUDGE}/mem')",
        "seek_and_write(f'/proc/{os.getppid()}/mem')",
        above="""
def seek_and_write(path):
    with open(path, "r+b", 0) as file:
        file.seek(ADDRESS)
        return file.write(b"0" * LENGTH)
""",
    ),
    attempting(
        "its parent's memory by a call",
        "across('process_vm_readv', JUDGE)",
        "across('process_vm_readv', os.getppid())",
        "across('process_vm_writev', JUDGE)",
        above="""
def across(name, pid):
    import ctypes
    class Piece(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
    here = ctypes.create_string_buffer(LENGTH)
    ours, theirs = Piece(ctypes.addressof(here), LENGTH), Piece(ADDRESS, LENGTH)
    if system_call(name, pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0):
        return here.raw
""",
    ),
    attempting(
        "its parent under a debugger",
        "system_call('ptrace', 16, JUDGE, 0, 0)",
        "system_call('ptrace', 0x4206, JUDGE, 0, 0)",
        "system_call('ptrace', 16, os.getppid(), 0, 0)",
    ),
]
