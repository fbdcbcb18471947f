"""Builds the zip that Gradescope makes an autograder of: the course's packages, what to install, and what to run."""

import ast
import importlib
import importlib.metadata
import io
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from classroom.giving_out.gradescope import SETTINGS
from grader.catalogue import PREFIX, CatalogueError, load_catalogue

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("grader", "jail", "classroom", "course_lib")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip knows: the same files give the same zip to the byte
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PYTHONS = ("3.14", "3.13", "3.12", "3.11")

SETUP = """\
#!/usr/bin/env bash
# Runs once, when the service builds the image: a Python that suits, and in venv/ the packages that the course pins.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"

suits() { "$1" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }
find_python() {
  for python in PYTHON_NAMES python3; do
    if suits "$python"; then return; fi
  done
  return 1
}

if ! find_python; then
  apt-get update
  for version in PYTHON_VERSIONS; do
    if apt-get install -y "python$version" "python$version-venv"; then break; fi
  done
  find_python || { echo "This image has no Python from 3.11 to 3.14: choose a newer base image." >&2; exit 1; }
fi

"$python" -m venv "$root/venv"
install() { "$root/venv/bin/python" -m pip install --disable-pip-version-check --only-binary=:all: "$@"; }
INSTALL
# The packages of the course can be imported from wherever a process stands.
"$root/venv/bin/python" - "$root/source" <<'END'
import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "course.pth").write_text(sys.argv[1] + "\\n", encoding="utf-8")
END
"$root/venv/bin/python" -m compileall -q "$root/source"
"""

RUN = """\
#!/usr/bin/env bash
# Grades what lies in submission/. The results are there from the start, and say so if nothing better replaces them.
root="${AUTOGRADER_ROOT:-/autograder}"
mkdir -p "$root/results"
cat > "$root/results/results.json" <<'END'
NOT_GRADED
END
python="$root/venv/bin/python"
if [ ! -x "$python" ]; then python=python3; fi
"$python" "$root/source/grade.py" "$root"
exit 0
"""

GRADE = '''\
"""Grades one submission in the service's folders; the only argument is the folder that is /autograder there."""

import sys

from classroom.giving_out.gradescope import main

sys.exit(main(sys.argv[1]))
'''

NOT_GRADED = {
    "score": 0,
    "output": "Grading did not come to an end, and that is not your fault. Tell your instructor.",
    "output_format": "text",
    "stdout_visibility": "hidden",
    "tests": [],
}


def build(place, chapter, folder, *, seed, trust=False):
    """Write the zip of an autograder for one chapter into a folder; return its path.

    With the same files and the same arguments it is the same zip, to the byte.

    Args:
        place: of the catalogue: a package that can be imported, by name, or the path of a folder.
        chapter: its number, such as "02".
        folder: where the zip goes; made if it is not there.
        seed: the inputs are drawn from it, the same for all students.
        trust: grade in a container that has no jail, too. The service runs each submission in a container of its own,
            so a submission can then harm and read nothing but its own: but that includes the tasks' answers and the
            results.

    Raises:
        CatalogueError: there is no such catalogue.
        LookupError: it has no such chapter.
    """
    catalogue = load_catalogue(place)
    catalogue.chapter(chapter)
    files = _sources(catalogue, chapter)
    settings = {"catalogue": catalogue.package, "chapter": chapter, "seed": seed, "trust": trust}
    needed = _needed(catalogue, chapter, files)
    pins = ROOT / "requirements.txt"
    files |= {
        "requirements.txt": pins.read_bytes(),
        "setup.sh": _setup(needed, pins.read_text(encoding="utf-8")).encode(),
        "run_autograder": RUN.replace("NOT_GRADED", json.dumps(NOT_GRADED, indent=1)).encode(),
        "grade.py": GRADE.encode(),
        SETTINGS: (json.dumps(settings, indent=1) + "\n").encode(),
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"autograder_{chapter}.zip"
    path.write_bytes(_zipped(files, executable=("setup.sh", "run_autograder")))
    return path


def _zipped(files, executable):
    """Return the bytes of a zip with these files, as Linux would have written them long ago."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # Linux: so that the mode counts
            info.external_attr = (0o100755 if name in executable else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name], compresslevel=9)
    return data.getvalue()


# What goes in --------------------------------------------------------------------------------------------------------


def _sources(catalogue, chapter):
    """Return all files of the course that grading a chapter takes, as bytes by their path in the zip."""
    files = {}
    home = Path(importlib.import_module(catalogue.package).__file__).parent
    for package in PACKAGES:
        files |= _files_below(ROOT / package, ROOT)
    for package in set(catalogue.own) - set(PACKAGES):
        files |= _files_below(home.parent / package, home.parent)
    chapters = _chapters(home, catalogue.package, chapter)
    files |= {
        name: data
        for name, data in _files_below(home, home.parent).items()
        if not (second := name.split("/")[1]).startswith(PREFIX) or second in chapters
    }
    if catalogue.package != "tasks" and any(_imports(files, "tasks")):
        files |= _files_below(ROOT / "tasks", ROOT)
    if parts := catalogue.parts:
        files[parts.file.relative_to(home.parent).as_posix()] = parts.file.read_bytes()
    return files


def _files_below(folder, root):
    """Return the files below a folder as bytes by their path from the root; nothing that is made or hidden."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
    }


def _chapters(home, package, chapter):
    """Return the names of the folders of a chapter, and of all chapters that it takes something from."""
    found, waiting = set(), [f"{PREFIX}{chapter}"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            sources = _files_below(home / name, home.parent)
            waiting += [part for part in _imports(sources, f"{package}.{PREFIX}*") if (home / part).is_dir()]
    return found


def _imports(sources, wanted):
    """Yield what Python files import: of "tasks" all that is in it; of "tasks.chapter_*" the names of the chapters."""
    package, _, rest = wanted.partition(".")
    for imported in sorted({name for source in sources.values() for name in _imported(source)}):
        if imported.partition(".")[0] != package:
            continue
        part = imported.split(".")[1] if "." in imported else ""
        if not rest:
            yield imported
        elif part.startswith(rest.rstrip("*")):
            yield part


def _imported(source):
    """Return the names of all modules that a Python file imports; of other files nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


# What is installed ---------------------------------------------------------------------------------------------------


def _needed(catalogue, chapter, files):
    """Return the names of the pinned packages that are to be installed: PyTorch only where the chapter needs it."""
    pinned = {_normal(name): name for name in re.findall(r"^([\w.-]+)==", _pins(), re.MULTILINE)}
    owners = importlib.metadata.packages_distributions()
    sources = {name: data for name, data in files.items() if name.endswith(".py")}
    imported = {name.partition(".")[0] for data in sources.values() for name in _imported(data)}
    found = {_normal(owner) for name in imported for owner in owners.get(name, ())} & set(pinned)
    found.discard("torch")
    if _needs_torch(catalogue, chapter, files):
        found.add("torch")
    return sorted(pinned[name] for name in found)


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins():
    return (ROOT / "requirements.txt").read_text(encoding="utf-8")


def _needs_torch(catalogue, chapter, files):
    """Tell whether answers get tensors, or the chapter loads PyTorch as it is unpacked."""
    if any(task.library == "torch" for task in catalogue.chapter(chapter).tasks):
        return True
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        code = (
            "import sys; sys.path[:0] = [sys.argv[1]]\n"
            "from grader.catalogue import load_catalogue\n"
            "load_catalogue(sys.argv[2]).chapter(sys.argv[3])\n"
            "print('torch' in sys.modules)"
        )
        asked = [sys.executable, "-P", "-c", code, folder, catalogue.package, chapter]
        said = subprocess.run(asked, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if said.returncode:
        last = said.stderr.strip().rpartition("\n")[2]
        raise CatalogueError(f"chapter {chapter} cannot be loaded from the zip's files alone: {last}")
    return said.stdout.split()[-1] == "True"


def _setup(needed, pins):
    lines = []
    if "torch" in needed:
        pin = re.search(r"^torch==\S+", pins, re.MULTILINE).group()
        lines.append(
            f'install --no-deps --index-url {CPU_INDEX} "{pin}"  # the small build, without NVIDIA\'s libraries'
        )
    names = " ".join(needed)
    lines.append(f'install --constraint "$root/source/requirements.txt" {names}')
    return (
        SETUP.replace("PYTHON_NAMES", " ".join(f"python{version}" for version in PYTHONS))
        .replace("PYTHON_VERSIONS", " ".join(("3.12", "3.13", "3.11", "3.14")))
        .replace("INSTALL", "\n".join(lines))
    )


# The command ---------------------------------------------------------------------------------------------------------


def add_to(commands):
    """Add the command `gradescope` to a parser's commands."""
    command = commands.add_parser("gradescope", help="build the zip of a Gradescope autograder for one chapter")
    command.add_argument("chapter", metavar="CHAPTER", help="its number, such as 02")
    command.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="where the zip goes")
    command.add_argument(
        "--catalogue", default="tasks", metavar="PLACE", help="what is asked: a package, or the path of its folder"
    )
    command.add_argument("--seed", type=int, help="draw the inputs from this seed (default: a new one, printed)")
    command.add_argument(
        "--trust", action="store_true", help="grade in containers without a jail, too: each holds one submission alone"
    )
    command.set_defaults(run=run)


def run(options):
    """Build the zip; exit code 2 if there is no such chapter."""
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    try:
        path = build(options.catalogue, options.chapter, options.into, seed=seed, trust=options.trust)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    size = os.path.getsize(path) / 2**20
    print(f"{path} ({size:.1f} MB, seed {seed})")
    print("Upload it in Gradescope: Configure Autograder, Zip file. Then test it there with a submission of your own.")
    if not options.trust:
        print("If the containers there have no jail, it will say so to instructors; --trust grades all the same.")
    return 0
