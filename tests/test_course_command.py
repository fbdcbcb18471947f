"""course.py from a newcomer's side: a copy of it in a fresh folder, whose path has a space and a letter beyond ASCII.

The virtual environments are real but come without pip; a stand-in takes its place, writes down how it was called
and fails when told to. Nothing is installed and nothing leaves this machine.
"""

import ast
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]

STAND_IN_FOR_PIP = """
import json, pathlib, sys
folder = pathlib.Path(sys.prefix).parent
with open(folder / "pip_calls.txt", "a", encoding="utf-8") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
failure = folder / "pip_fails.txt"
if failure.exists():
    sys.stderr.write(failure.read_text(encoding="utf-8"))
    sys.exit(1)
"""

STAND_IN_FOR_GRADER = """
import os, sys
print("grader", sys.argv[1:], os.getcwd())
sys.exit(7)
"""

STAND_IN_FOR_JUPYTERLAB = """
import json, os, pathlib, socket, sys
call = {"arguments": sys.argv[1:], "token": os.environ["JUPYTER_TOKEN"], "folder": os.getcwd()}
(pathlib.Path(sys.prefix).parent / "jupyterlab_call.json").write_text(json.dumps(call), encoding="utf-8")
port = int(next(a for a in sys.argv if a.startswith("--ServerApp.port=")).partition("=")[2])
socket.create_server(("127.0.0.1", port)).accept()
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
    (folder / "grader").mkdir()
    (folder / "grader" / "__init__.py").touch()
    (folder / "grader" / "__main__.py").write_text(STAND_IN_FOR_GRADER, encoding="utf-8")
    return folder


@pytest.fixture
def course(folder, monkeypatch):
    course = load(folder)
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
    assert f"grader ['grade', '--json', 'a file', '--', '-x'] {Path.cwd()}" in capfd.readouterr().out


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
    def interrupt(torch):
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(course, "install_packages", interrupt)
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
            "has no build for Python",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "has no build for Python",
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
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    for name in [name for name in os.environ if name.upper().startswith("PIP_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    command = [sys.executable, "course.py", "proof"]
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


def test_torch_for_the_cpu_comes_first_and_the_choice_is_remembered(course):
    course.ensure_environment("cpu")
    torch, rest = calls_of_pip(course)
    assert torch[-4:] == ["--no-deps", "--index-url", course.CPU_INDEX, "torch==2.13.0"]
    assert rest[-2:] == ["-r", str(course.REQUIREMENTS)]
    assert course.CPU_INDEX not in rest
    course.ensure_environment()
    course.ensure_environment("cpu")
    assert len(calls_of_pip(course)) == 2
    course.ensure_environment("default")
    assert len(calls_of_pip(course)) == 3


def test_an_interrupted_choice_of_torch_is_remembered(course, capfd):
    failure = course.ROOT / "pip_fails.txt"
    failure.write_text("ReadTimeoutError\n", encoding="utf-8")
    with pytest.raises(course.CourseError):
        course.ensure_environment("cpu")
    failure.unlink()
    course.ensure_environment()
    assert course.read_stamp()["torch"] == "cpu"
    assert course.CPU_INDEX in calls_of_pip(course)[1]


@pytest.mark.parametrize(
    ("platform", "torch", "gpu", "said"),
    [
        ("linux", "default", False, True),
        ("linux", "default", True, False),
        ("linux", "cpu", False, False),
        ("darwin", "default", False, False),
    ],
)
def test_the_smaller_download_is_offered_where_it_helps(course, capfd, monkeypatch, platform, torch, gpu, said):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(course, "has_nvidia_gpu", lambda: gpu)
    course.announce_installation(torch)
    assert ("--torch cpu" in capfd.readouterr().out) == said


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
def jupyterlab(ready):
    add_module(ready, "jupyterlab", STAND_IN_FOR_JUPYTERLAB)
    handler = signal.getsignal(signal.SIGTERM)
    yield ready.ROOT / "jupyterlab_call.json"
    signal.signal(signal.SIGTERM, handler)


def test_learn_opens_the_first_notebook(ready, jupyterlab, capfd):
    port = ready.free_port()
    assert ready.main(["learn", "--no-browser", "--port", str(port)]) == 0
    call = json.loads(jupyterlab.read_text(encoding="utf-8"))
    assert call["arguments"][0] == str(ready.START)
    assert {"--no-browser", f"--ServerApp.root_dir={ready.ROOT}", "--LabApp.news_url=None"} <= set(call["arguments"])
    assert Path(call["folder"]) == ready.ROOT
    address = f"http://127.0.0.1:{port}/lab/tree/notebooks/00_start_here.ipynb?token={call['token']}"
    assert address in capfd.readouterr().out


def test_learn_finds_a_free_port(ready, jupyterlab):
    with socket.create_server(("127.0.0.1", ready.free_port())) as server:
        assert ready.main(["learn"]) == 0
        arguments = json.loads(jupyterlab.read_text(encoding="utf-8"))["arguments"]
        assert f"--ServerApp.port={server.getsockname()[1]}" not in arguments
    assert "--no-browser" not in arguments


def test_a_jupyterlab_that_does_not_start_is_told_so(ready, jupyterlab, capfd):
    add_module(ready, "jupyterlab", "import sys; sys.exit('broken')")
    assert sentence_of(ready, ["learn"], capfd).startswith("JupyterLab ended")


# test ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def steps(ready):
    """The tools of the steps, which write down how they were called; pytest reports 4 tests, of which 1 is skipped."""
    record = """
import json, os, pathlib, sys
root = pathlib.Path(sys.prefix).parent
with open(root / "steps.txt", "a", encoding="utf-8") as calls:
    calls.write(json.dumps({"call": ["{0}", *sys.argv[1:]], "offline": os.environ.get("COURSE_OFFLINE")}) + "\\n")
for argument in sys.argv:
    if argument.startswith("--junit-xml="):
        pathlib.Path(argument.partition("=")[2]).write_text((root / "report.xml").read_text())
sys.exit((root / "{0} fails").exists())
"""
    for name in ("ruff", "pytest"):
        add_module(ready, name, record.replace("{0}", name))
    (ready.ROOT / "grader" / "__main__.py").write_text(record.replace("{0}", "grader"), encoding="utf-8")
    report = '<testsuites><testsuite tests="4" failures="0" errors="0" skipped="1"/></testsuites>'
    (ready.ROOT / "report.xml").write_text(report, encoding="utf-8")
    for name in ("exercises/01_scores.ipynb", "exercises/02_scaling.ipynb", "solutions/01_scores.ipynb"):
        (ready.ROOT / name).write_text("{}", encoding="utf-8")
    return ready


def calls_of_steps(course, what="call"):
    return [json.loads(line)[what] for line in (course.ROOT / "steps.txt").read_text(encoding="utf-8").splitlines()]


def test_every_step_counts_in_the_last_line(steps, capfd):
    assert steps.main(["test"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "9 passed, 0 failed"
    assert [call[0] for call in calls_of_steps(steps)] == ["ruff", "ruff", "pytest", "grader", "pytest"]


def test_a_failing_step_fails_the_whole_and_the_others_still_run(steps, capfd):
    (steps.ROOT / "ruff fails").touch()
    assert steps.main(["test"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "7 passed, 2 failed"
    assert len(calls_of_steps(steps)) == 5


def test_a_pytest_that_fails_without_a_failed_test_is_a_failure(steps, capfd):
    (steps.ROOT / "pytest fails").touch()
    assert steps.main(["test"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "9 passed, 2 failed"


@pytest.mark.parametrize("name", ["notebooks", "exercises", "solutions"])
def test_a_folder_without_notebooks_is_a_failure(steps, capfd, name):
    shutil.rmtree(steps.ROOT / name)
    assert steps.main(["test"]) == 1
    said = capfd.readouterr().out
    assert f"No notebooks in: {name}\n" in said
    assert said.splitlines()[-1] == "6 passed, 1 failed"


def test_the_notebooks_that_train_run_one_after_another_when_the_others_are_done(steps, capfd):
    names = ("10_training", "11_speech")
    for name in names:
        for folder in ("notebooks", "exercises"):
            (steps.ROOT / folder / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    assert steps.main(["test"]) == 0
    *_, together, alone = calls_of_steps(steps)
    training = [f"notebooks/{name}.ipynb" for name in names]
    assert [argument for argument in alone if argument.endswith(".ipynb")] == training
    assert "-n" not in alone
    assert "--nbval-cell-timeout=300" in alone
    assert together[together.index("-n") + 1] == "2"
    assert "exercises/10_training.ipynb" in together  # an exercise trains for seconds
    assert not set(training) & set(together)
    said = capfd.readouterr().out.splitlines()
    assert [line.split()[1:4] for line in said if line.startswith("notebooks ")] == [["ok", "6", "passed"]]
    assert said[-1] == "12 passed, 0 failed"


def test_the_notebooks_that_train_are_there():
    course = load(PROJECT)
    assert [path for path in course.TRAINING if len(list(PROJECT.glob(f"{path}*.ipynb"))) != 1] == []


@pytest.mark.parametrize(("chosen", "given"), [(None, "1"), ("yes", "yes"), ("", "")])
def test_a_test_opens_no_connection_unless_the_reader_wants_it(steps, monkeypatch, chosen, given):
    if chosen is not None:
        monkeypatch.setenv("COURSE_OFFLINE", chosen)
    steps.main(["test"])
    assert calls_of_steps(steps, "offline") == [given] * 5


def test_the_other_commands_leave_the_network_open(steps):
    steps.main(["grade", "exercises"])
    assert calls_of_steps(steps, "offline") == [None]
    assert "COURSE_OFFLINE" not in steps.environment()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("on_a_build_server", [False, True])
def test_an_exercise_one_has_worked_on_is_left_out(steps, capfd, monkeypatch, on_a_build_server):
    for command in (["init", "--quiet"], ["add", "exercises"]):
        subprocess.run(["git", *command], cwd=steps.ROOT, check=True)
    (steps.ROOT / "exercises" / "02_scaling.ipynb").write_text('{"cells": []}', encoding="utf-8")
    if on_a_build_server:
        monkeypatch.setenv("CI", "true")
    assert steps.main(["test"]) == 0
    said = "Left out, because you have worked on it: exercises/02_scaling.ipynb" in capfd.readouterr().out
    tested = "exercises/02_scaling.ipynb" in calls_of_steps(steps)[-1]
    linted = not any("02_scaling" in argument for argument in calls_of_steps(steps)[0])
    assert (said, tested, linted) == (not on_a_build_server, on_a_build_server, on_a_build_server)


def test_the_report_of_the_real_pytest_is_understood(course, tmp_path):
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('number', range(3))\n"
        "def test_number(number): assert number < 2\n"
        "@pytest.mark.skip\n"
        "def test_skipped(): pass\n"
        "def test_error(absent): pass\n",
        encoding="utf-8",
    )
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junit-xml={report}", "test_sample.py"]
    subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert course.read_counts(report) == (2, 2)


# doctor --------------------------------------------------------------------------------------------------------------


def test_doctor_works_before_anything_is_installed(course, capfd):
    assert course.main(["doctor"]) == 1
    said = capfd.readouterr().out
    assert "ok       Python" in said
    assert f"-> run: {course.CALL} learn" in said
    assert said.endswith("2 problems found.\n")  # .venv, and the folders without notebooks
    assert not course.VENV.exists()


def test_doctor_asks_the_python_of_the_environment(ready, capfd):
    assert ready.main(["doctor"]) == 1
    said = capfd.readouterr().out
    assert str(ready.PYTHON) in said
    assert "PROBLEM  packages" in said


def test_doctor_names_the_packages_that_differ_from_their_pins(course):
    installed = importlib.metadata.version("packaging")
    pins = [
        "# pins",
        "packaging==1.0",
        "mars-attention==3.2",
        f"pytest=={pytest.__version__}",
        "no==1 ; os_name == 'c64'",
    ]
    course.REQUIREMENTS.write_text("\n".join(pins), encoding="utf-8")
    found, advice = course.check_packages()
    assert found == f"packaging is {installed}, pinned ==1.0; mars-attention is missing"
    assert advice == course.REINSTALL


def test_doctor_runs_a_kernel(course):
    assert course.check_kernel() == ("starts, and 1 + 1 is 2", None)
