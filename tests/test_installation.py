"""The first command of the README, from nothing, with every Python that this machine has."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import course

ROOT = Path(__file__).parents[1]
QUESTION = "import sys, venv, ensurepip; print(sys._base_executable, '{}.{}.{}'.format(*sys.version_info))"
CANNOT = ("could not be downloaded", "too little room on the disk")


def pythons():
    """Return the promised Pythons on this machine, version to path, each version once."""
    names = [f"python3.{minor}" for minor in range(11, course.NEWEST_PYTHON[1] + 1)]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates = [sys.executable, *(Path(folder, name) for name in ["python3", *names] for folder in folders)]
    candidates += Path.home().glob(".pyenv/versions/3.*/bin/python3")
    found = {}
    for candidate in candidates:
        try:
            reply = subprocess.run([candidate, "-I", "-c", QUESTION], capture_output=True, text=True)
        except OSError:
            continue
        path, _, version = reply.stdout.strip().rpartition(" ")
        if path and (3, 11) <= tuple(map(int, version.split(".")[:2])) <= course.NEWEST_PYTHON:
            found.setdefault(version, path)
    return found


def open_course(python, folder):
    """Call `learn` until it serves, then `doctor`. Return "" if both went well, or else what they said."""
    command = [python, "course.py", "learn", "--no-browser"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
    )
    said = []
    with process:
        for line in process.stdout:
            said.append(line)
            address = re.search(r"http://127\.0\.0\.1:\S+", line)
            if address:
                with urllib.request.urlopen(address[0]) as page:
                    assert page.status == 200
                process.terminate()
    if not any("http://127.0.0.1" in line for line in said):
        return "".join(said)
    reply = subprocess.run([python, "course.py", "doctor"], cwd=folder, capture_output=True, encoding="utf-8")
    return reply.stdout + reply.stderr if reply.returncode else ""


@pytest.mark.thorough("installs the course, up to 3 GB, once for every Python of this machine")
def test_the_course_opens_from_nothing_with_every_python_of_this_machine(tmp_path):
    failures, left_out = {}, {}
    for version, python in pythons().items():
        folder = tmp_path / f"my course {version}"
        not_in_a_clone = shutil.ignore_patterns(
            ".venv", ".git", "my_course", "__pycache__", ".*_cache", ".ipynb_checkpoints"
        )
        shutil.copytree(ROOT, folder, ignore=not_in_a_clone)
        complaint = open_course(python, folder)
        shutil.rmtree(folder)  # gigabytes
        if any(reason in complaint for reason in CANNOT):
            left_out[version] = complaint.strip().splitlines()[-1]
        elif complaint:
            failures[version] = complaint
    assert failures == {}
    if left_out:
        pytest.skip(f"left out: {left_out}")
