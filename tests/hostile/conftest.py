"""The batch of attacks, run once for all that look at what became of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from batch import NO_JAIL


@pytest.fixture(scope="session")
def seen(tmp_path_factory):
    """What became of the batch, run once in a process of its own."""
    path = tmp_path_factory.mktemp("hostile") / "seen.json"
    command = [sys.executable, str(Path(__file__).with_name("batch.py")), "--json", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode == NO_JAIL:
        pytest.skip(f"this machine has no jail: {done.stderr.strip()}")
    assert done.returncode == 0, f"the batch ended with {done.returncode}: {done.stderr[-3000:]}"
    return json.loads(path.read_text(encoding="utf-8"))
