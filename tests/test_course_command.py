"""course.py from a newcomer's side: a copy of it in a fresh folder, whose path has a space and a letter beyond ASCII.

The virtual environments are real but come without pip; a stand-in takes its place, writes down how it was called
and fails when told to. Nothing is installed and nothing leaves this machine.
"""

import ast
import http.server
import importlib.util
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import webbrowser
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]

# Tests that look for a free port and then take it: between the two, no other of them may. So one process has them all.
takes_a_port = pytest.mark.xdist_group("a free port")

STAND_IN_FOR_PIP = """
import json, pathlib, sys
folder = pathlib.Path(sys.prefix).parent
with open(folder / "pip_calls.txt", "a", encoding="utf-8") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
for failure in ("pip_fails.txt", "pip_fails_at_the_cpu_index.txt" if "--index-url" in sys.argv else ""):
    if (folder / failure).is_file():
        sys.stderr.write((folder / failure).read_text(encoding="utf-8"))
        sys.exit(1)
"""

STAND_IN_FOR_A_ROOM = """
import os, pathlib, sys
print(pathlib.Path(__file__).parent.name, sys.argv[1:], os.getcwd())
sys.exit(7)
"""

STAND_IN_FOR_THE_WORKBOOK = """
import json, os, pathlib, socket, sys, time
if sys.argv[1] != "lab":
    print("workbook", sys.argv[1:])
    pathlib.Path("my_course").mkdir(exist_ok=True)
    if not pathlib.Path("renamed").exists():
        pathlib.Path("my_course", "Lesson 00.ipynb").touch()
    sys.exit("my_course cannot be written." if pathlib.Path("no room").exists() else 0)
if pathlib.Path("broken").exists():
    sys.exit("broken")
call = {"arguments": sys.argv[1:], "token": os.environ["JUPYTER_TOKEN"], "folder": os.getcwd()}
(pathlib.Path(sys.prefix).parent / "jupyterlab_call.json").write_text(json.dumps(call), encoding="utf-8")
port = int(next(a for a in sys.argv if a.startswith("--ServerApp.port=")).partition("=")[2])
socket.create_server(("127.0.0.1", port)).accept()
while pathlib.Path("a browser is to come").exists():
    time.sleep(0.01)
"""


def load(folder):
    """course.py of this folder, as a fresh module."""
    specification = importlib.util.spec_from_file_location("course_under_test", folder / "course.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    make_environment = module.run_installer

    def run_installer(command):
        if "venv" in command:
            make_environment([*command, "--without-pip"])
            add_module(module, "pip", STAND_IN_FOR_PIP)
        else:
            make_environment(command)

    module.run_installer = run_installer
    return module


def add_module(course, name, code):
    """Put a module that can be run into the copy's .venv."""
    package = Path(course.VENV_PATHS["purelib"], name)
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(code, encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("CI", "COURSE_DATA", "COURSE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "my cöurse"
    folder.mkdir()
    shutil.copy(PROJECT / "course.py", folder)
    (folder / "requirements.txt").write_text("# pins\nnumpy==2.4.6\ntorch==2.13.0\n", encoding="utf-8")
    for name in ("notebooks", "exercises", "solutions"):
        (folder / name).mkdir()
    (folder / "notebooks" / "00_start_here.ipynb").write_text("{}", encoding="utf-8")
    for room in ("grader", "classroom", "upkeep"):
        (folder / room).mkdir()
        (folder / room / "__init__.py").touch()
        (folder / room / "__main__.py").write_text(STAND_IN_FOR_A_ROOM, encoding="utf-8")
    return folder


@pytest.fixture
def course(folder, monkeypatch):
    course = load(folder)
    monkeypatch.setattr(course, "has_nvidia_gpu", lambda: True)  # or where none is, PyTorch comes in a call of its own
    free = 50 * course.GIGABYTE
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2 * free, free, free))
    return course


@pytest.fixture
def ready(course):
    """The same, with its environment made."""
    course.ensure_environment()
    (course.ROOT / "pip_calls.txt").unlink()
    return course


def calls_of_pip(course):
    calls = course.ROOT / "pip_calls.txt"
    return [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()] if calls.exists() else []


def sentence_of(course, arguments, capfd):
    """Call the course, which must fail, and return the last line it wrote to stderr: the one for the reader."""
    capfd.readouterr()
    assert course.main(arguments) != 0
    complaints = capfd.readouterr().err
    assert "Traceback" not in complaints
    return complaints.strip().splitlines()[-1]


# Before anything is installed ----------------------------------------------------------------------------------------


def test_an_old_python_reads_the_whole_file():
    ast.parse((PROJECT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_so(folder):
    pretend = "import runpy, sys; sys.version_info = (3, 8, 18); runpy.run_path('course.py', run_name='__main__')"
    reply = subprocess.run([sys.executable, "-c", pretend], cwd=folder, capture_output=True, text=True)
    assert reply.returncode == 1
    assert reply.stderr.startswith("This course needs Python 3.11 or later, and this is Python 3.8: install")
    assert reply.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--help"], ["learn", "--help"], ["grade", "--help"]])
def test_help_installs_nothing(folder, arguments):
    command = [sys.executable, str(folder / "course.py"), *arguments]
    reply = subprocess.run(command, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"})
    assert reply.returncode == 0
    assert "learn" in reply.stdout
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lern"], "did you mean `{} learn`"),
        (["xyzzy"], "`{} --help` lists"),
        (["learn", "--prot", "8000"], "Unrecognized arguments: --prot 8000: `{} learn --help` lists"),
        (["learn", "--port", "many"], "invalid int value: 'many'"),
        (["test", "--torch", "tpu"], "invalid choice: 'tpu'"),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_the_way_out(course, capfd, arguments, expected):
    assert expected.format(course.CALL) in sentence_of(course, arguments, capfd)
    assert not course.VENV.exists()


def test_a_taken_port_is_told_with_a_free_one(course, capfd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        sentence = sentence_of(course, ["learn", "--port", str(taken)], capfd)
    assert sentence.startswith(f"Port {taken} is taken: try --port ")
    assert course.is_free(int(sentence.split("--port ")[1].split(",")[0]))
    assert not course.VENV.exists()


def test_a_port_that_no_machine_has_is_not_free(course):
    assert not course.is_free(70000)


def test_an_incomplete_copy_is_told_so(course, capfd):
    course.START.unlink()
    assert "00_start_here.ipynb is missing" in sentence_of(course, ["learn"], capfd)


def test_a_python_without_venv_is_told_so(course, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    sentence = sentence_of(course, ["proof"], capfd)
    assert "cannot make virtual environments" in sentence
    assert "-venv" in sentence


def test_a_read_only_folder_is_told_so(course, capfd, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as read_only:
        read_only.setattr(Path, "mkdir", refuse)
        assert sentence_of(course, ["proof"], capfd).startswith(f"Cannot write to {course.VENV}")
    assert course.main(["proof"]) == 7


# The installation ----------------------------------------------------------------------------------------------------


def test_the_first_call_installs_the_pins_and_the_second_nothing(course, capfd):
    assert course.main(["proof"]) == 7
    [call] = calls_of_pip(course)
    assert call[0] == "install"
    assert call[-2:] == ["-r", str(course.REQUIREMENTS)]
    assert course.main(["proof"]) == 7
    assert len(calls_of_pip(course)) == 1
    assert "Everything is installed" in capfd.readouterr().out


def test_what_follows_a_command_is_handed_over_untouched(ready, capfd, monkeypatch, tmp_path):
    (tmp_path / "grader.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert ready.main(["grade", "--json", "a file", "--", "-x"]) == 7
    assert (
        f"classroom ['grade', '--catalogue', 'tasks', '--json', 'a file', '--', '-x'] {Path.cwd()}"
        in capfd.readouterr().out
    )


def test_the_course_is_importable_from_every_folder(ready, tmp_path):
    question = [ready.PYTHON, "-c", "import grader; print(grader.__file__)"]
    reply = subprocess.run(question, cwd=tmp_path, capture_output=True, encoding="utf-8", env=ready.environment())
    assert Path(reply.stdout.strip()) == ready.ROOT / "grader" / "__init__.py"
    assert Path(ready.VENV_PATHS["purelib"], "course.pth").read_text(encoding="utf-8").isascii()


def test_changed_pins_are_installed_into_the_same_environment(ready):
    (ready.VENV / "witness").touch()
    ready.REQUIREMENTS.write_text("numpy==2.4.7\ntorch==2.13.0\n", encoding="utf-8")
    assert ready.main(["proof"]) == 7
    assert len(calls_of_pip(ready)) == 1
    assert (ready.VENV / "witness").exists()


def test_an_interrupted_installation_is_continued(course, capfd, monkeypatch):
    def interrupt(wanted):
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(course, "install", interrupt)
        assert sentence_of(course, ["proof"], capfd) == "The installation was interrupted: the next call continues it."
    (course.VENV / "witness").touch()
    assert course.main(["proof"]) == 7
    assert "was not finished: completing .venv" in capfd.readouterr().out
    assert (course.VENV / "witness").exists()


def lose_the_stamp(course):
    course.STAMP.unlink()


def spoil_the_stamp(course):
    course.STAMP.write_text('{"venv": ', encoding="utf-8")


def change_python(course):
    course.write_stamp({**course.read_stamp(), "python": "3.10"})


def lose_python(course):
    course.PYTHON.unlink()


@pytest.mark.parametrize("damage", [lose_the_stamp, spoil_the_stamp, change_python, lose_python])
def test_a_damaged_environment_is_made_anew(ready, damage):
    (ready.VENV / "witness").touch()
    damage(ready)
    assert ready.main(["proof"]) == 7
    assert len(calls_of_pip(ready)) == 1
    assert not (ready.VENV / "witness").exists()


def test_a_moved_course_is_repaired(ready, tmp_path, capfd):
    shutil.move(ready.ROOT, tmp_path / "elsewhere")
    moved = load(tmp_path / "elsewhere")
    moved.has_nvidia_gpu = lambda: True
    assert moved.main(["proof"]) == 7
    assert "The course was moved or copied after its .venv was made" in capfd.readouterr().out
    assert len(calls_of_pip(moved)) == 1


@pytest.mark.parametrize(
    ("complaints", "expected"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("OSError: [WinError 112] There is not enough space on the disk", "disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'", "Cannot write to"),
        (
            "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError(...)'\n"
            "ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)\n"
            "ERROR: No matching distribution found for numpy==2.4.6",
            "could not be downloaded: check the network",
        ),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "check the network"),
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: 2.14.1)\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "No build of torch==2.13.0 for Python",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "No build of torch==2.13.0 for Python",
        ),
        (
            "ERROR: Ignored the following versions that require a different python version: "
            "4.1 Requires-Python >=3.99.5; 4.1.1 Requires-Python >=3.99.7\n"
            "ERROR: Could not find a version that satisfies the requirement soup==4.1.1 (from versions: 4.0, 4.2)\n"
            "ERROR: No matching distribution found for soup==4.1.1",
            "and soup 4.1.1, which the course installs, does not run on it (it asks for >=3.99.7): use another Python",
        ),
        (  # older versions were left out for their Python, but it is a build that is missing
            "ERROR: Ignored the following versions that require a different python version: "
            "2.0.0 Requires-Python >=3.7,<3.11; 2.0.1 Requires-Python >=3.7,<3.11\n"
            "ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: 2.4.5)\n"
            "ERROR: No matching distribution found for numpy==2.4.6",
            "No build of numpy==2.4.6 for Python",
        ),
        (
            "ERROR: Package 'soup' requires a different Python: 3.11.2 not in '>=3.11.5'",
            "and soup, which the course installs, does not run on it (it asks for >=3.11.5): use another Python",
        ),
        ("ERROR: something new", "(ERROR: something new)"),
    ],
)
def test_a_failure_of_pip_ends_in_one_sentence_and_the_next_call_repairs_it(course, capfd, complaints, expected):
    failure = course.ROOT / "pip_fails.txt"
    failure.write_text(complaints + "\n", encoding="utf-8")
    assert expected in sentence_of(course, ["proof"], capfd)
    failure.unlink()
    assert course.main(["proof"]) == 7


def test_without_a_network_the_real_pip_is_understood(folder, capfd, monkeypatch):
    for name in [name for name in os.environ if name.upper().startswith("PIP_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "1")
    command = [sys.executable, "course.py", "test", "--torch", "default"]  # cpu would ask PyTorch's own index
    with socket.socket() as closed:  # nobody else can have its port, and nobody listens there
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple")
        reply = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace")
    assert reply.returncode == 1
    assert "The packages could not be downloaded: check the network" in reply.stderr.splitlines()[-1]
    assert "Traceback" not in reply.stderr


def test_a_full_disk_is_seen_before_the_download(course, capfd, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 3 * 10**8))
        sentence = sentence_of(course, ["proof"], capfd)
    assert "too little room on the disk" in sentence
    assert "0.3 GB are free" in sentence
    assert calls_of_pip(course) == []
    assert course.main(["proof"]) == 7


def test_a_pin_that_refuses_this_very_python_is_told_apart_from_a_missing_build_by_the_real_pip(course, tmp_path):
    """The package is in the index, and says that it wants a later Python: what pip writes then is understood."""
    package = tmp_path / "index" / "soup"
    package.mkdir(parents=True)
    link = '<a href="soup-4.1.1-py3-none-any.whl" data-requires-python="&gt;=3.99.7">soup-4.1.1-py3-none-any.whl</a>'
    (package / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>", encoding="utf-8")
    (package / "soup-4.1.1-py3-none-any.whl").touch()
    options = ["--isolated", "--disable-pip-version-check", "--dry-run", "--index-url", package.parent.as_uri()]
    reply = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "soup==4.1.1"],
        capture_output=True,
        encoding="utf-8",
        env={name: value for name, value in os.environ.items() if not name.upper().startswith("PIP_")},
    )
    assert reply.returncode == 1
    version = ".".join(map(str, sys.version_info[:3]))
    refusal = "soup 4.1.1, which the course installs, does not run on it (it asks for >=3.99.7)"
    assert str(course.explain_failure(reply.stderr)).startswith(f"This is Python {version}, and {refusal}: use another")


# Which PyTorch -------------------------------------------------------------------------------------------------------

SMALL = ["--no-deps", "--index-url", "https://download.pytorch.org/whl/cpu", "torch==2.13.0"]


@pytest.fixture
def without_gpu(course, monkeypatch):
    """A machine with Linux and without an NVIDIA GPU."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(course, "has_nvidia_gpu", lambda: False)
    return course


def builds(course):
    """For each call of pip, whether it was for the small build of PyTorch ("cpu") or for all pins ("pins")."""
    return ["cpu" if call[-4:] == SMALL else "pins" for call in calls_of_pip(course)]


@pytest.mark.parametrize(
    ("platform", "gpu", "build"),
    [("linux", False, "cpu"), ("linux", True, "default"), ("darwin", False, "default"), ("win32", False, "default")],
)
def test_the_build_is_the_one_that_fits_this_machine(course, monkeypatch, platform, gpu, build):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(course, "has_nvidia_gpu", lambda: gpu)
    assert course.fitting_build() == build


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (set(), False),
        ({"/proc/driver/nvidia/version"}, True),
        ({"/dev/nvidiactl"}, True),
        ({"/dev/nvidia0"}, True),
        ({"/dev/dxg"}, False),  # WSL with another maker's GPU
        ({"/dev/dxg", "/usr/lib/wsl/lib/libcuda.so.1"}, True),
        ({"/usr/lib/wsl/lib/libcuda.so.1"}, False),  # WSL that hands no GPU on
        ({"nvidia-smi"}, True),
    ],
)
def test_an_nvidia_gpu_is_known_by_its_driver_and_its_devices(folder, monkeypatch, there, found):
    course = load(folder)
    monkeypatch.setattr(os.path, "exists", lambda path: path in there)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    assert course.has_nvidia_gpu() == found


def test_without_a_gpu_the_small_build_comes_first_and_that_is_said_before(without_gpu, capfd):
    without_gpu.ensure_environment()
    assert builds(without_gpu) == ["cpu", "pins"]
    said = capfd.readouterr().out
    assert "No NVIDIA GPU is in sight, so PyTorch comes without the gigabytes" in said
    assert "up to 0.5 GB to download, 2 to 10 minutes" in said
    without_gpu.ensure_environment()
    assert without_gpu.complaint_about_environment() is None
    assert len(builds(without_gpu)) == 2


def test_with_a_gpu_the_ordinary_build_comes_and_its_size_is_said(course, capfd, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    course.ensure_environment()
    assert builds(course) == ["pins"]
    said = capfd.readouterr().out
    assert "up to 3 GB to download" in said
    assert "No NVIDIA GPU" not in said


NO_CONNECTION = (
    "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\n"
    "ERROR: No matching distribution found for torch==2.13.0\n"
)


def test_where_the_small_build_cannot_be_had_the_ordinary_one_comes(without_gpu, capfd):
    (without_gpu.ROOT / "pip_fails_at_the_cpu_index.txt").write_text(NO_CONNECTION, encoding="utf-8")
    without_gpu.ensure_environment()
    assert builds(without_gpu) == ["cpu", "pins"]
    said = capfd.readouterr().out
    assert "could not be had from download.pytorch.org: going on with the ordinary one" in said
    assert said.index("0.5 GB to download") < said.index("going on with") < said.index("3 GB to download")
    (without_gpu.ROOT / "pip_fails_at_the_cpu_index.txt").unlink()
    without_gpu.ensure_environment()  # what is installed stays
    assert len(builds(without_gpu)) == 2
    without_gpu.ensure_environment("cpu")  # unless the reader wants it
    assert builds(without_gpu)[2:] == ["cpu", "pins"]


def test_a_full_disk_at_the_small_build_is_no_reason_to_take_the_large_one(without_gpu, capfd):
    failure = without_gpu.ROOT / "pip_fails_at_the_cpu_index.txt"
    failure.write_text("OSError: [Errno 28] No space left on device\n", encoding="utf-8")
    assert "disk is full" in sentence_of(without_gpu, ["proof"], capfd)
    assert builds(without_gpu) == ["cpu"]


def test_who_asked_for_the_small_build_never_gets_the_large_one_instead(course, capfd):
    failure = course.ROOT / "pip_fails_at_the_cpu_index.txt"
    failure.write_text(NO_CONNECTION, encoding="utf-8")
    sentence = sentence_of(course, ["test", "--torch", "cpu"], capfd)
    assert "could not be had from download.pytorch.org" in sentence
    assert "--torch default" in sentence
    assert builds(course) == ["cpu"]
    failure.unlink()
    course.ensure_environment()
    assert builds(course) == ["cpu", "cpu", "pins"]


def test_a_choice_is_remembered_and_can_be_changed(course):
    course.ensure_environment("cpu")
    course.ensure_environment()
    course.ensure_environment("cpu")
    course.ensure_environment("auto")  # takes the choice back, and what is installed stays
    assert builds(course) == ["cpu", "pins"]
    assert course.read_stamp()["choice"] == "auto"
    course.ensure_environment("default")
    assert builds(course) == ["cpu", "pins", "pins"]


def test_a_choice_outlives_the_environment(without_gpu):
    without_gpu.ensure_environment("default")
    change_python(without_gpu)
    without_gpu.ensure_environment()
    assert builds(without_gpu) == ["pins", "pins"]


def test_an_environment_made_anew_gets_the_build_that_fits_now(without_gpu):
    (without_gpu.ROOT / "pip_fails_at_the_cpu_index.txt").write_text(NO_CONNECTION, encoding="utf-8")
    without_gpu.ensure_environment()
    (without_gpu.ROOT / "pip_fails_at_the_cpu_index.txt").unlink()
    change_python(without_gpu)
    without_gpu.ensure_environment()
    assert builds(without_gpu) == ["cpu", "pins", "cpu", "pins"]


@pytest.mark.parametrize("build", ["cpu", "default"])
def test_an_environment_from_before_there_was_a_choice_stays(without_gpu, build):
    without_gpu.ensure_environment(build)
    stamp = without_gpu.read_stamp()
    del stamp["choice"]
    without_gpu.write_stamp(stamp)
    calls = len(builds(without_gpu))
    assert without_gpu.complaint_about_environment() is None
    without_gpu.ensure_environment()
    assert len(builds(without_gpu)) == calls


def test_an_interrupted_choice_of_torch_is_remembered(course):
    failure = course.ROOT / "pip_fails.txt"
    failure.write_text("ReadTimeoutError\n", encoding="utf-8")
    with pytest.raises(course.CourseError):
        course.ensure_environment("cpu")
    failure.unlink()
    course.ensure_environment()
    assert course.read_stamp()["torch"] == "cpu"
    assert builds(course)[1:] == ["cpu", "pins"]


# Around a process ----------------------------------------------------------------------------------------------------


def test_packages_and_kernels_from_elsewhere_do_not_shadow_those_of_the_course(course, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH"):
        monkeypatch.setenv(name, "elsewhere")
    variables = course.environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH"} & set(variables)
    assert variables["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert variables["PATH"].startswith(str(course.PYTHON.parent))


@pytest.mark.parametrize("place", ["data", "../data", "~/data", "/data"])
def test_a_data_folder_stands_where_the_reader_says(course, monkeypatch, tmp_path, place):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_DATA", place)
    expected = {
        "data": Path.cwd() / "data",
        "../data": Path.cwd().parent / "data",
        "~/data": tmp_path / "home" / "data",
        "/data": Path(Path.cwd().anchor, "data"),
    }
    assert course.environment()["COURSE_DATA"] == str(expected[place])


@pytest.mark.parametrize("unset", [None, ""])
def test_without_a_data_folder_the_course_chooses_one(course, monkeypatch, unset):
    if unset is not None:
        monkeypatch.setenv("COURSE_DATA", unset)
    assert not course.environment().get("COURSE_DATA")


# learn ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def jupyterlab(ready, monkeypatch):
    add_module(ready, "workbook", STAND_IN_FOR_THE_WORKBOOK)
    monkeypatch.chdir(ready.ROOT)
    handler = signal.getsignal(signal.SIGTERM)
    yield ready.ROOT / "jupyterlab_call.json"
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def opened(ready, monkeypatch):
    """The pages that were opened in the reader's browser, each as it was then."""
    pages, to_come = queue.Queue(), ready.ROOT / "a browser is to come"

    def browser(page):
        assert page == ready.DOOR.as_uri()
        pages.put(ready.DOOR.read_text(encoding="utf-8"))
        to_come.unlink(missing_ok=True)

    monkeypatch.setattr(webbrowser, "open", browser)
    return pages


@takes_a_port
def test_learn_brings_the_folder_up_to_date_and_opens_the_first_notebook_in_it(ready, jupyterlab, opened, capfd):
    (ready.ROOT / "a browser is to come").touch()
    port = ready.free_port()
    assert ready.main(["learn", "--port", str(port)]) == 0
    call = json.loads(jupyterlab.read_text(encoding="utf-8"))
    hook = "--ContentsManager.pre_save_hook=workbook.folder.saving.clean"
    assert {"--no-browser", f"--ServerApp.root_dir={ready.ROOT}", "--LabApp.news_url=None", hook} <= set(
        call["arguments"]
    )
    assert Path(call["folder"]) == ready.ROOT
    address = f"http://127.0.0.1:{port}/lab/tree/my_course/Lesson%2000.ipynb?token={call['token']}"
    said = capfd.readouterr().out
    assert address in said
    assert "workbook ['learn']" in said
    assert f'content="0; url={address}"' in opened.get()
    assert not ready.SERVER.exists()
    assert not ready.DOOR.exists()


@takes_a_port
def test_where_the_first_notebook_has_another_name_the_folder_is_opened(ready, jupyterlab, capfd):
    (ready.ROOT / "renamed").touch()
    assert ready.main(["learn", "--no-browser"]) == 0
    assert "/lab/tree/my_course?token=" in capfd.readouterr().out


@takes_a_port
def test_learn_finds_a_free_port_and_opens_no_browser_unasked(ready, jupyterlab, opened):
    with socket.create_server(("127.0.0.1", ready.free_port())) as server:
        assert ready.main(["learn", "--no-browser"]) == 0
        arguments = json.loads(jupyterlab.read_text(encoding="utf-8"))["arguments"]
        assert f"--ServerApp.port={server.getsockname()[1]}" not in arguments
    assert opened.empty()


@takes_a_port
def test_a_jupyterlab_that_does_not_start_is_told_so(ready, jupyterlab, capfd):
    (ready.ROOT / "broken").touch()
    assert sentence_of(ready, ["learn"], capfd).startswith("JupyterLab ended")


@takes_a_port
def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_opened(ready, jupyterlab, opened, capfd):
    (ready.ROOT / "no room").touch()
    assert sentence_of(ready, ["learn"], capfd) == "my_course cannot be written."
    assert opened.empty()


class Server(http.server.BaseHTTPRequestHandler):
    """A server that has the course open: it answers whoever has the token."""

    token, answer = "abc", b'{"started": "now"}'

    def do_GET(self):
        right = self.path == "/api/status" and self.headers["Authorization"] == f"token {self.token}"
        self.send_response(200 if right else 403)
        self.end_headers()
        self.wfile.write(self.answer if right else b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/lab/tree/my_course/Lesson%2000.ipynb?token=abc"
        server.shutdown()
        thread.join()


def say_it_is_open(course, address):
    course.write_for_me_alone(course.SERVER, json.dumps({"address": address, "course": str(course.ROOT)}))


@takes_a_port
def test_a_second_learn_opens_the_course_that_is_open_and_changes_nothing(ready, jupyterlab, opened, server, capfd):
    say_it_is_open(ready, server)
    assert ready.main(["learn"]) == 0
    said = capfd.readouterr().out
    assert f"The course is open already, at\n\n    {server}\n" in said
    assert "workbook" not in said
    assert server in opened.get()
    assert not jupyterlab.exists()


@pytest.mark.skipif(os.name != "posix", reason="files have no modes there")
def test_no_one_else_can_read_the_address(ready, server):
    say_it_is_open(ready, server)
    assert ready.SERVER.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"address": 3, "course": 4}'])
def test_what_is_no_address_is_passed_over(ready, content):
    ready.SERVER.parent.mkdir(parents=True)
    ready.SERVER.write_text(content, encoding="utf-8")
    assert ready.address_of_open_course() is None


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/lab?token=abc", "https://elsewhere.org:8888/lab?token=abc"])
def test_an_address_at_which_no_course_is_open_is_passed_over(ready, address):
    say_it_is_open(ready, address)
    assert ready.address_of_open_course() is None


def test_a_server_of_another_course_is_passed_over(ready, server):
    say_it_is_open(ready, server.replace("abc", "another"))
    assert ready.address_of_open_course() is None
    ready.SERVER.write_text(json.dumps({"address": server, "course": "/elsewhere"}), encoding="utf-8")
    assert ready.address_of_open_course() is None


def test_another_program_at_that_address_is_no_open_course(ready, server, monkeypatch):
    say_it_is_open(ready, server)
    assert ready.address_of_open_course() == server
    monkeypatch.setattr(Server, "answer", b"<html>")
    assert ready.address_of_open_course() is None


# test ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "handed"), [([], ["test"]), (["--all"], ["test", "--all"])])
def test_the_test_is_handed_over(ready, capfd, given, handed):
    assert ready.main(["test", *given]) == 7
    assert capfd.readouterr().out == f"upkeep {handed} {Path.cwd()}\n"


# a copy for students --------------------------------------------------------------------------------------------------


def test_a_copy_for_students_has_their_commands_alone(ready, capfd):
    ready.HANDOUT.write_text("{}", encoding="utf-8")
    add_module(ready, "workbook", STAND_IN_FOR_A_ROOM)
    assert ready.main(["--help"]) == 0
    said = capfd.readouterr().out
    named = {line.removeprefix(f"  {ready.CALL} ").split()[0] for line in said.splitlines() if ready.CALL in line}
    assert named == set(ready.FOR_STUDENTS)
    assert "--no-browser" in said
    for command in ("test", "grade", "handout", "release"):
        assert f"`{command}` is for their instructors" in sentence_of(ready, [command], capfd)
    assert ready.main(["progress"]) == 7
    assert "workbook ['progress']" in capfd.readouterr().out


def test_the_doctor_misses_no_solutions_in_a_copy_for_students(ready, capfd):
    ready.HANDOUT.write_text("{}", encoding="utf-8")
    (ready.ROOT / "exercises" / "01.ipynb").touch()
    ready.main(["doctor"])
    assert "ok       notebooks     1 in notebooks/, 1 in exercises/" in capfd.readouterr().out


# doctor --------------------------------------------------------------------------------------------------------------


def test_doctor_works_before_anything_is_installed(course, capfd):
    assert course.main(["doctor"]) == 1
    said = capfd.readouterr().out
    assert "ok       Python" in said
    assert f"-> run: {course.CALL} learn" in said
    assert said.endswith("2 problems found.\n")  # .venv, and the folders without notebooks
    assert not course.VENV.exists()


def test_doctor_counts_what_only_the_packages_can_say(ready, capfd):
    assert ready.main(["doctor"]) == 1
    said = capfd.readouterr().out
    assert "ok       .venv         complete" in said
    assert "upkeep ['doctor']" in said
    assert said.endswith("\n8 problems found.\n")  # the folders without notebooks, and 7 of the stand-in
