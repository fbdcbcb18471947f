"""A worker of the tests' own: the children run Python that they are sent, so that a test can try what they can do."""

import sys
import textwrap

import pytest

from jail.keeper import OUTER, Keeper
from jail.lock import LAYERS

WORKER = """
def prepare(libraries, packages):
    import json, socket, subprocess, threading, ctypes

def serve(requests, replies):
    import json
    for line in requests:
        source = json.loads(line)
        try:
            namespace = {}
            exec(source, namespace)
            said = namespace.get("said")
        except BaseException as error:
            said = type(error).__name__
        replies.write(json.dumps(said).encode() + b"\\n")
        replies.flush()
"""

NO_JAIL = "" if sys.platform.startswith("linux") else f"there is no jail for {sys.platform}"


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """Return a folder with the worker, the jail, and a secret."""
    from pathlib import Path

    import jail

    folder = tmp_path_factory.mktemp("root")
    (folder / "worker").mkdir()
    (folder / "worker" / "__init__.py").write_text("")
    (folder / "worker" / "runs.py").write_text(textwrap.dedent(WORKER))
    (folder / "secret.txt").write_text("the answer is 42")
    (folder / "jail").symlink_to(Path(jail.__file__).parent)
    return folder


@pytest.fixture(scope="session")
def keeper_of(root):
    """Return what starts keepers: `keeper_of(layers)`, one for each set of layers."""
    if NO_JAIL:
        pytest.skip(NO_JAIL)
    keepers = {}

    def keeper(layers=(*LAYERS, *OUTER)):
        if layers not in keepers:
            keepers[layers] = Keeper(root, "worker.runs", layers=layers)
        return keepers[layers]

    yield keeper
    for each in keepers.values():
        each.close()
