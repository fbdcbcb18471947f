"""Calls to the kernel that an answer has no business with."""

from attack import attempting

ATTACKS = [
    attempting(
        "namespaces of its own",
        "system_call('unshare', 0x10000000)",
        "system_call('unshare', 0x00020000)",
        "system_call('setns', 3, 0)",
        "done(os.unshare, 0x10000000)",
    ),
    attempting(
        "mounts and roots",
        "done(os.chroot, '/')",
        "system_call('mount', b'none', b'/tmp', b'tmpfs', 0, 0)",
        "system_call('pivot_root', b'/', b'/')",
    ),
    attempting(
        "a ring of calls past the filter",
        "system_call('io_uring_setup', 8, __import__('ctypes').create_string_buffer(256))",
    ),
    attempting(
        "programs in the kernel",
        "system_call('bpf', 0, 0, 0)",
        "system_call('perf_event_open', 0, 0, -1, -1, 0)",
        "system_call('userfaultfd', 0)",
    ),
    attempting(
        "keys that outlive it",
        "system_call('add_key', b'user', NOTE.encode(), b'x', 1, -3)",
        "system_call('keyctl', 0, -3, 0)",
    ),
    attempting(
        "files by handle",
        "system_call('open_by_handle_at', -100, 0, 0)",
        "system_call('pidfd_getfd', 3, 0, 0)",
        "system_call('kcmp', JUDGE, os.getpid(), 2, 0, 0)",
    ),
    attempting(
        "other users",
        *(
            f"None if os.getuid() == 0 else done({call})"
            for call in ("os.setuid, 0", "os.setresuid, 0, 0, 0", "os.setgroups, [0]")
        ),
    ),
    attempting(
        "the machine",
        "done(__import__('time').clock_settime, 0, __import__('time').time())",
        "done(__import__('socket').sethostname, __import__('socket').gethostname())",
        "system_call('fanotify_init', 0, 0)",
    ),
    attempting(
        "devices",
        *(
            f"os.open({path!r}, os.O_RDWR)"
            for path in (
                "/dev/mem",
                "/dev/kmsg",
                "/dev/tty",
                "/dev/vda",
                "/dev/sda",
                "/dev/nvme0n1",
                "/dev/fuse",
                "/dev/kvm",
                "/dev/ptmx",
            )
        ),
    ),
    attempting(
        "a memory that is both written and run",
        "run()",
        above="""
def run():
    import ctypes, mmap, platform
    if platform.machine() != "x86_64":
        return None
    # socket(AF_INET, SOCK_STREAM, 0), by an instruction of its own
    code = bytes.fromhex("b829000000bf02000000be0100000031d20f05c3")
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    number = ctypes.CFUNCTYPE(ctypes.c_long)(address)()
    return number if number >= 0 else None
""",
    ),
    attempting(
        "calls of another kind of machine",
        "run()",
        above="""
def run():
    import ctypes, mmap, platform
    if platform.machine() != "x86_64":
        return None
    # mov eax, 39 | 0x40000000; syscall: getpid by the numbers of x32, which a filter on plain numbers lets through
    code = bytes.fromhex("b8390000400f05c3")
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    number = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    return number if number == os.getpid() else None
""",
    ),
    attempting(
        "calls in 32 bits",
        "run()",
        above="""
def run():
    import ctypes, mmap, platform
    if platform.machine() != "x86_64":
        return None
    # push rbx; mov eax, 20; int 0x80; pop rbx; ret: getpid by the numbers of 32 bits, where 2 would be fork
    code = bytes.fromhex("53b814000000cd805bc3")
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    number = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    return number if number == os.getpid() else None
""",
    ),
]
