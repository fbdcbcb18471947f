"""Which files an interpreter and its packages need, so that a jail can leave these and no others."""

import sys
import sysconfig
from pathlib import Path

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
DEVICES = ("/dev/null", "/dev/urandom")


def interpreter_paths():
    """Return the files and folders that this interpreter, its packages and the libraries they load need to be read."""
    known = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages", "lib-dynload")]
    return tuple(dict.fromkeys([*known, *packages, *_mapped(), *LIBRARIES, *DEVICES]))


def _mapped():
    """Yield the files of libraries that this process has loaded from elsewhere."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        address_mode_and_path = line.split(maxsplit=5)
        if len(address_mode_and_path) == 6 and "x" in address_mode_and_path[1]:
            path = address_mode_and_path[5]
            if path.startswith("/") and ".so" in path:
                yield path
