"""The course's door: makes .venv, installs the course into it, and hands over.

`learn` and `test` are the two commands that matter; `python3 course.py --help` lists the others. The first call makes
the folder .venv beside this file and installs into it exactly what requirements.txt pins; every call checks in
milliseconds that .venv is still what it should be, and repairs it where it is not. What needs the installed course is
handed to the Python of .venv.

This file uses the standard library alone, because it runs before anything is installed. Its syntax stays within
Python 3.6, so that an old Python reads far enough to say that it is too old.
"""

import argparse
import difflib
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from urllib.parse import quote

if sys.version_info < (3, 11):  # noqa: UP036 - the check is what tells an old Python
    sys.exit(
        "This course needs Python 3.11 or later, and this is Python {}.{}: "
        "install a newer one from python.org and call it, for example: python3.14 course.py learn".format(
            *sys.version_info[:2]
        )
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PATHS = sysconfig.get_paths("venv", vars={"base": str(VENV), "platbase": str(VENV)})
PYTHON = Path(VENV_PATHS["scripts"], "python.exe" if os.name == "nt" else "python")
STAMP = VENV / "course.json"
REQUIREMENTS = ROOT / "requirements.txt"
START = ROOT / "notebooks" / "00_start_here.ipynb"
HOME = ROOT / "my_course"  # the learner's own folder
FIRST = HOME / "Lesson 00.ipynb"  # in it, START
SERVER = HOME / ".course" / "server.json"  # while the course is open: where
DOOR = HOME / ".course" / "open.html"  # a page that leads there, so that no list of processes shows the token

HANDOUT = ROOT / "handout.json"  # in a copy that was made for students: what is in it
FOR_STUDENTS = ("learn", "progress", "reset", "doctor")

CALL = ("python" if os.name == "nt" else "python3") + " course.py"
NEWEST_PYTHON = (3, 14)  # the newest that the pinned packages have builds for
CPU_HOST = "download.pytorch.org"
CPU_INDEX = f"https://{CPU_HOST}/whl/cpu"
GIGABYTE = 10**9
REINSTALL = f"delete the folder .venv, then run: {CALL} learn"

HELP = f"""\
Self-attention, step by step.

  {CALL} learn                 opens your copy of the course in JupyterLab (the first time, it installs what it needs)
  {CALL} test                  checks everything: the code, the grader, every notebook
  {CALL} test --all            and what takes an hour or more: a fresh installation, all of it beside other work, ...

More:

  {CALL} doctor                looks for what is wrong on this machine and says what to do about it
  {CALL} progress              shows how far you are
  {CALL} reset 03              gives you exercise 03 anew and keeps the old one aside (a lesson: reset Lesson 03)
  {CALL} grade PATH...         grades notebooks, or folders of them
  {CALL} run NOTEBOOK...       runs notebooks from top to bottom and stores their outputs
  {CALL} release [--check]     makes exercises/ from solutions/, or checks that they agree
  {CALL} minutes NOTEBOOK...   says how long a lone reader takes over a lesson
  {CALL} date-reader           trains the small model that lesson 00 begins with, anew (minutes)
  {CALL} proof                 shows that the grader tells right answers from common mistakes

Grading a class, into a folder of its own:

  {CALL} grade PATH... --chapter 02 --into my_class
      grades what is new in folders, zip files or a course system's export; keeps a gradebook, writes reports
  {CALL} report my_class
      writes the reports anew, as grading.toml says now
  {CALL} adjust my_class STUDENT 02 POINTS --reason "..."
      gives points by hand, or takes some off; that stays when the class is graded again
  {CALL} pseudonyms my_class
      replaces names and ids in all reports (--off: shows them again)
  {CALL} forget my_class STUDENT
      deletes a student's data

What students get, and what they hand in:

  {CALL} handout --into FOLDER
      makes a copy of the course without solutions (--bare: without what the grader knows about answers, too)
  {CALL} gradescope CHAPTER --into FOLDER
      builds the zip of a Gradescope autograder for a chapter
  {CALL} nbgrader --into FOLDER
      makes the folder from which nbgrader gives out and grades the exercises
  {CALL} similar PATH... --chapter 02
      hints at submissions that share more than chance; never a verdict

Options of learn and test:

  --torch BUILD    which PyTorch to install; remembered.
                   auto: on Linux without an NVIDIA GPU the small build, elsewhere the ordinary one; what is already
                   installed stays (this is what happens without --torch)
                   cpu: the small build, without the gigabytes that only an NVIDIA GPU needs
                   default: the ordinary build

Options of learn:

  --no-browser     only print the address
  --port N         serve at this port rather than at a free one

Add --help to a command to see its options.
"""

# Command: what does it in .venv, a module and its first arguments.
HANDED_OVER = {
    "progress": ["workbook", "progress"],
    "reset": ["workbook", "reset"],
    "grade": ["classroom", "grade", "--catalogue", "tasks"],  # another --catalogue behind it wins
    "report": ["classroom", "report", "--catalogue", "tasks"],
    "adjust": ["classroom", "adjust", "--catalogue", "tasks"],
    "pseudonyms": ["classroom", "pseudonyms", "--catalogue", "tasks"],
    "forget": ["classroom", "forget", "--catalogue", "tasks"],
    "gradescope": ["classroom", "gradescope", "--catalogue", "tasks"],
    "handout": ["classroom", "handout"],
    "nbgrader": ["classroom", "nbgrader"],
    "similar": ["classroom", "similar"],
    "proof": ["grader", "proof", "--catalogue", "tasks"],
    "run": ["authoring", "run"],
    "release": ["authoring", "release"],
    "minutes": ["authoring", "minutes"],
    "date-reader": ["authoring", "date-reader"],
}


class CourseError(Exception):
    """Ends the command: one sentence that says what is wrong and the way out."""


class NotOfferedError(CourseError):
    """What was to be installed could not be had: no connection, or no build for this Python."""


# Processes ------------------------------------------------------------------------------------------------------------


def environment(**additions):
    """The environment variables for a process in .venv, as if it had been activated."""
    # These three would let packages or kernels from elsewhere shadow the course's.
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH", "JUPYTER_PATH")}
    variables["VIRTUAL_ENV"] = str(VENV)
    variables["PATH"] = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", os.defpath)])
    variables["PYTHONUTF8"] = "1"
    variables["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of .venv before a kernel of the same name elsewhere
    if variables.get("COURSE_DATA"):  # relative to where the reader stands, and a notebook runs in its own folder
        variables["COURSE_DATA"] = os.path.abspath(os.path.expanduser(variables["COURSE_DATA"]))
    return {**variables, **additions}


def start(arguments, **options):
    """Start the Python of .venv; with -P, because modules in the reader's current folder are not the course's."""
    sys.stdout.flush()
    return subprocess.Popen([str(PYTHON), "-P", *map(str, arguments)], **{"env": environment(), **options})


def finish(process):
    """Wait for a process, and when Ctrl-C comes, let it end well before passing that on."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        end(process)
        raise


def end(process):
    """End a process that may have got the Ctrl-C too, and may not."""
    if os.name == "posix":
        process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()


def run(arguments, **options):
    """Run the Python of .venv to its end; return its exit code."""
    return finish(start(arguments, **options))


# The environment: .venv, what is in it, and the stamp that says so ----------------------------------------------------


def ensure_environment(torch=None):
    """Make .venv what requirements.txt says, or see that it already is.

    Args:
        torch: the build of PyTorch: "cpu", "default", or "auto" for the one that fits this machine unless another is
            already installed. Without it, what was chosen before holds.
    """
    found = read_stamp()
    wanted = wanted_stamp(found, torch)
    complaint, packages_can_stay = examine(found, wanted)
    if complaint is None:
        if torch and torch != found.get("choice"):
            write_stamp(wanted)
        return
    try:
        print(f"{complaint}: {'completing' if packages_can_stay else 'making'} .venv.")
        if not packages_can_stay:
            make_venv()
            if wanted["choice"] == "auto":
                wanted["torch"] = fitting_build()
        write_stamp({**wanted, "requirements": None})  # from here on, an interruption is seen
        write_stamp({**wanted, "torch": install(wanted)})
    except KeyboardInterrupt:
        raise CourseError("The installation was interrupted: the next call continues it.") from None
    except OSError as error:
        raise explain_failure(str(error)) from None
    print("Everything is installed.\n")


def wanted_stamp(found, torch=None):
    """What .venv should be, given the stamp that was found: the stamp that is written once it is.

    `choice` is what the reader chose ("auto": nothing), `torch` the build that is installed. A .venv from before there
    was a choice keeps its build.
    """
    choice = torch or found.get("choice") or ("cpu" if found.get("torch") == "cpu" else "auto")
    return {
        "venv": str(VENV),
        "python": "{}.{}".format(*sys.version_info[:2]),
        "choice": choice,
        "torch": choice if choice != "auto" else found.get("torch") or fitting_build(),
        "requirements": hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest(),
    }


def read_stamp():
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp):
    STAMP.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")


def examine(found, wanted):
    """What is wrong with .venv (None: nothing), and whether what is installed in it can stay."""
    if not found:
        return "The folder .venv, for the course's packages, is not there yet", False
    if found.get("venv") != wanted["venv"]:
        return "The course was moved or copied after its .venv was made", False
    if found.get("python") != wanted["python"]:
        return f"This is Python {wanted['python']}, and .venv was made for Python {found.get('python')}", False
    if found.get("torch") != wanted["torch"]:
        return "Another build of PyTorch was chosen", False
    if not python_starts(wanted["python"]):
        return "The Python of .venv no longer works", False
    if found.get("requirements") is None:
        return "The installation was not finished", True
    if found["requirements"] != wanted["requirements"]:
        return "requirements.txt has changed", True
    return None, True


def python_starts(version):
    """Whether the Python of .venv starts and is still of this version, however long that takes."""
    question = [str(PYTHON), "-I", "-S", "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]
    try:
        reply = subprocess.run(question, capture_output=True, text=True)
    except OSError:
        return False
    return reply.stdout.strip() == version


def make_venv():
    """Make .venv anew, with the course itself importable in it from every folder."""
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise CourseError(
            "This Python cannot make virtual environments: install the package that adds them "
            f"(on Debian and Ubuntu: sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv), "
            "then run the same command again."
        )
    VENV.mkdir(exist_ok=True)
    STAMP.unlink(missing_ok=True)
    # The interpreter that .venv itself would be made from, in case this call came through the old .venv.
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    run_installer([interpreter, "-m", "venv", "--clear", str(VENV)])
    site_packages = Path(VENV_PATHS["purelib"])
    # Relative, so that it is plain ASCII wherever the course lies.
    (site_packages / "course.pth").write_text(os.path.relpath(ROOT, site_packages) + "\n", encoding="utf-8")


def fitting_build():
    """The build of PyTorch for this machine. Only on Linux does the ordinary one bring gigabytes for NVIDIA's GPUs."""
    return "cpu" if sys.platform == "linux" and not has_nvidia_gpu() else "default"


def has_nvidia_gpu():
    """Whether there is an NVIDIA GPU with its driver, which PyTorch could use."""
    traces = ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/nvidia0"]  # the driver; its devices
    if os.path.exists("/dev/dxg"):  # WSL, which has this device for any GPU, and NVIDIA's library only for NVIDIA's
        traces.append("/usr/lib/wsl/lib/libcuda.so.1")
    return shutil.which("nvidia-smi") is not None or any(map(os.path.exists, traces))


def install(wanted):
    """Install the pins; return the build of PyTorch that was had."""
    torch = wanted["torch"]
    announce_installation(torch, wanted["choice"])
    # Builds only: a package that would have to be compiled here fails at once, with a reason.
    pip_install = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--only-binary=:all:"]
    if torch == "cpu":
        # 2.13.0+cpu satisfies torch==2.13.0, so the last call leaves it and sees no need for NVIDIA's libraries.
        pin = re.search(r"^torch==\S+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE).group()
        try:
            run_installer([*pip_install, "--retries=1", "--no-deps", "--index-url", CPU_INDEX, pin])
        except NotOfferedError:
            if wanted["choice"] == "cpu":
                raise NotOfferedError(
                    f"The small build of PyTorch could not be had from {CPU_HOST}: check the network and run the same "
                    "command again, or add --torch default, which takes the ordinary build, GPU libraries included."
                ) from None
            print(f"\nThe small build could not be had from {CPU_HOST}: going on with the ordinary one.", flush=True)
            torch = "default"
            write_stamp({**wanted, "torch": torch, "requirements": None})
            announce_installation(torch, wanted["choice"])
    run_installer([*pip_install, "-r", str(REQUIREMENTS)])
    return torch


def announce_installation(torch, choice):
    """Say what is going to happen and how large it is; stop where the disk has no room for it."""
    with_cuda = sys.platform == "linux" and torch == "default"
    download, needed = ("3 GB", 9 * GIGABYTE) if with_cuda else ("0.5 GB", 2.5 * GIGABYTE)
    held = sum(file.lstat().st_size for file in VENV.rglob("*"))
    free = shutil.disk_usage(ROOT).free
    if free + held < needed:
        raise CourseError(
            f"There is too little room on the disk: the course needs {(needed - held) / GIGABYTE:.1f} GB and "
            f"{free / GIGABYTE:.1f} GB are free; make room, then run the same command again."
        )
    if torch == "cpu" and choice == "auto":
        print("No NVIDIA GPU is in sight, so PyTorch comes without the gigabytes that only such a GPU needs.")
    minutes = "5 to 20 minutes" if with_cuda else "2 to 10 minutes"
    print(f"Installing what requirements.txt pins: up to {download} to download, {minutes}, only once.", flush=True)


def run_installer(command):
    """Run venv or pip with its output passing through; where it fails, end with the reason in one sentence."""
    sys.stdout.flush()
    complaints = []
    with subprocess.Popen(
        command, env=environment(), stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as process:
        try:
            for line in process.stderr:
                sys.stderr.write(line)
                complaints.append(line)
        except KeyboardInterrupt:
            end(process)
            raise
    if process.returncode:
        raise explain_failure("".join(complaints))


def explain_failure(complaints):
    """The error, in one sentence, for what venv or pip wrote to stderr before it failed."""
    full = "The disk is full: make room, then run the same command again, and it continues."
    no_network = (
        "The packages could not be downloaded: check the network (and, behind a proxy, HTTPS_PROXY), "
        "then run the same command again, and it continues."
    )
    reasons = [
        (r"No space left|not enough space|Errno 28\b|WinError 112", CourseError, full),
        (
            r"Permission denied|Access is denied|Read-only file system|Errno 13\b|WinError 5\b",
            CourseError,
            cannot_write(VENV),
        ),
        (r"requires? a different python", NotOfferedError, python_refused(complaints)),
        # pip found the package, but no build for this machine.
        (r"from versions: (?!none)|is not a supported wheel", NotOfferedError, no_builds(complaints)),
        (
            r"NewConnectionError|ConnectionError|Connection\w* (broken|refused|reset|aborted)|ConnectTimeout|timed out"
            r"|name resolution|getaddrinfo|unreachable|ProxyError|SSLError|IncompleteRead|HTTP error|HTTPError",
            NotOfferedError,
            no_network,
        ),
        (r"No matching distribution", NotOfferedError, no_builds(complaints)),
    ]
    for pattern, error, sentence in reasons:
        if re.search(pattern, complaints, re.IGNORECASE):
            return error(sentence)
    last_words = complaints.strip().rpartition("\n")[2]
    return CourseError(
        f"The installation failed ({last_words}): run the same command again; if that does not help, {REINSTALL}"
    )


def cannot_write(path):
    return (
        f"Cannot write to {path}: put the course into a folder of your own, "
        "close programs that use its .venv (such as JupyterLab), then run the same command again."
    )


def python_refused(complaints):
    """One sentence for a pin whose package refuses this very Python, down to its third number."""
    pin, wish = "a pinned package", ""
    asked = re.search(r"satisfies the requirement (\S+?)==([^\s;]+)", complaints)
    if asked:
        # pip lists all versions that it left out, of this package alone: "4.1 Requires-Python >=3.11.5; 4.1.1 ..."
        left_out = dict(re.findall(r"(\S+) Requires-Python ([^;\n]+)", complaints))
        if asked[2] not in left_out:
            return no_builds(complaints)
        pin, wish = " ".join(asked.groups()), left_out[asked[2]].strip()
    refused = re.search(r"Package '([^']+)' requires a different Python: \S+ not in '([^']+)'", complaints)
    if refused:
        pin, wish = refused.groups()
    return (
        f"This is Python {sys.version.split()[0]}, and {pin}, which the course installs, does not run on it"
        f"{wish and f' (it asks for {wish})'}: use another Python, for example: {newest_python()} course.py learn"
    )


def no_builds(complaints=""):
    """One sentence for a package that has no build for this Python on this machine."""
    found = re.search(r"No matching distribution found for ([^\s;]+)", complaints)
    return (
        f"No build of {found[1] if found else 'the packages'} for Python {sys.version_info[0]}.{sys.version_info[1]} "
        f"on this machine ({sysconfig.get_platform()}) is offered: use a 64-bit Python from 3.11 to "
        f"{newest_python()[6:]} (on a Mac, one with Apple silicon), for example: {newest_python()} course.py learn"
    )


def newest_python():
    return "python{}.{}".format(*NEWEST_PYTHON)


# learn ----------------------------------------------------------------------------------------------------------------


def learn(arguments):
    """Bring the learner's own folder up to date and open it in JupyterLab."""
    parser = command_parser("learn", "Open your own copy of the course; the first time, install what it needs.")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--port", type=int, metavar="N", help="serve at this port rather than at a free one")
    options = parser.parse_args(arguments)
    if not START.exists():
        raise CourseError(f"{START} is missing: this copy of the course is not complete, get it again.")
    address = address_of_open_course()
    if address:
        show(address, options.no_browser, "The course is open already, at")
        return 0
    if options.port is not None and not is_free(options.port):
        raise CourseError(
            f"Port {options.port} is taken: try --port {free_port()}, or leave --port out and a free one is found."
        )
    ensure_environment(options.torch)
    return serve(options.port or free_port(), options.no_browser)


def address_of_open_course():
    """The address at which an earlier call has the course open; None if none has, or the one that did is gone."""
    try:
        found = json.loads(SERVER.read_text(encoding="utf-8"))
        address = found["address"] if found["course"] == str(ROOT) else ""  # a copied folder may speak of another
        import urllib.request  # only now, since it takes a while to load

        server, _, token = re.fullmatch(r"(http://127\.0\.0\.1:\d+)(/.*)\?token=([\w-]+)", address).groups()
        request = urllib.request.Request(f"{server}/api/status", headers={"Authorization": f"token {token}"})
        directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with directly.open(request, timeout=5) as reply:
            return address if "started" in json.loads(reply.read().decode("utf-8")) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def show(address, no_browser, sentence):
    """Print the address and open it in the reader's browser."""
    print(f"\n{sentence}\n\n    {address}\n", flush=True)
    if no_browser:
        return
    page = (
        f'<meta http-equiv="refresh" content="0; url={address}"><a href="{address}">Self-attention, step by step</a>\n'
    )
    write_for_me_alone(DOOR, page)
    # In a thread, because a browser in the terminal returns when it is closed.
    threading.Thread(target=webbrowser.open, args=[DOOR.as_uri()]).start()


def write_for_me_alone(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def is_free(port):
    """Whether a server can listen at this port of this machine."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def free_port():
    for port in range(8888, 8988):
        if is_free(port):
            return port
    raise CourseError("No port from 8888 to 8987 is free: choose another with --port.")


def serve(port, no_browser):
    """Bring the learner's folder up to date while JupyterLab starts, and run that until Ctrl-C."""
    token = secrets.token_urlsafe(24)
    process = start(jupyterlab_arguments(port), cwd=ROOT, env=environment(JUPYTER_TOKEN=token))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it is asked to stop, JupyterLab stops too
    try:
        code = run(["-m", "workbook", "learn"])
        if code:
            end(process)
            return code
        page = FIRST if FIRST.exists() else HOME  # it may have another name by now
        address = f"http://127.0.0.1:{port}/lab/tree/{quote(page.relative_to(ROOT).as_posix())}?token={token}"
        if wait_for_server(process, port):
            write_for_me_alone(SERVER, json.dumps({"address": address, "course": str(ROOT)}) + "\n")
            show(address, no_browser, "Ctrl-C in this window closes the course. It is open at")
        code = finish(process)
    except KeyboardInterrupt:
        end(process)
        print("\nThe course is closed.")
        return 0
    finally:
        for file in (SERVER, DOOR):
            file.unlink(missing_ok=True)
    if code:
        raise CourseError(f"JupyterLab ended, for the reason above: `{CALL} doctor` looks for what is wrong.")
    return 0


def jupyterlab_arguments(port):
    arguments = [
        "-m",
        "workbook",
        "lab",
        "--no-browser",  # it is opened here, once the folder is up to date
        f"--ServerApp.root_dir={ROOT}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.answer_yes=True",  # one Ctrl-C is enough
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        # Nothing is fetched from elsewhere: no news, no look for updates, no list of extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        f"--LabApp.workspaces_dir={SERVER.parent / 'workspaces'}",  # the tabs of this course, and of nothing else
        "--ContentsManager.pre_save_hook=workbook.folder.saving.clean",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # as in a container
    return arguments


def wait_for_server(process, port):
    """Wait until the server answers; False when it ended before."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


# test -----------------------------------------------------------------------------------------------------------------


def test(arguments):
    """Check everything."""
    parser = command_parser("test", "Check everything: style, code, the grader, every notebook.")
    parser.add_argument("--all", action="store_true", help="and what takes an hour or more (README says what it needs)")
    options = parser.parse_args(arguments)
    ensure_environment(options.torch)
    return run(["-m", "upkeep", "test", *(["--all"] if options.all else [])])


# doctor ---------------------------------------------------------------------------------------------------------------


def doctor(arguments):
    """Look for what is wrong on this machine and say what to do about it."""
    command_parser("doctor", "Look for what is wrong on this machine.", installs=False).parse_args(arguments)
    problems = report([check_python, check_folder, check_notebooks, check_environment])
    if complaint_about_environment() is None:
        problems += run(["-m", "upkeep", "doctor"])  # what only the packages can say; ends with the number of problems
    print(f"\n{problems} problem{'' if problems == 1 else 's'} found." if problems else "\nAll is well.")
    return 1 if problems else 0


def report(checks):
    """Print what each check finds; return the number of problems."""
    problems = 0
    for check in checks:
        try:
            found, advice = check()
        except Exception as error:  # whatever is broken is a finding
            found, advice = f"{type(error).__name__}: {error}", REINSTALL
        problems += advice is not None
        print(f"{'ok' if advice is None else 'PROBLEM':<9}{check.__doc__:<14}{found}", flush=True)
        if advice is not None:
            print(f"{'':<23}-> {advice}", flush=True)
    return problems


def complaint_about_environment():
    found = read_stamp()
    return examine(found, wanted_stamp(found))[0]


# Each check is named by its docstring and returns what it found and, where that is a problem, what to do.


def check_python():
    """Python"""
    found = f"{sys.version.split()[0]} ({sys.executable})"
    return found, no_builds() if sys.version_info[:2] > NEWEST_PYTHON else None


def check_folder():
    """folder"""
    try:
        tempfile.TemporaryFile(dir=ROOT).close()
    except OSError:
        return f"{ROOT} cannot be written to", cannot_write(ROOT)
    free = shutil.disk_usage(ROOT).free / GIGABYTE
    return f"{ROOT}, {free:.1f} GB free", "make room on this disk" if free < 1 else None


def check_notebooks():
    """notebooks"""
    folders = ("notebooks", "exercises") if HANDOUT.exists() else ("notebooks", "exercises", "solutions")
    counts = {name: len(list((ROOT / name).glob("*.ipynb"))) for name in folders}
    found = ", ".join(f"{count} in {name}/" for name, count in counts.items())
    complete = START.exists() and all(counts.values())
    return found, None if complete else "this copy of the course is not complete: get it again"


def check_environment():
    """.venv"""
    complaint = complaint_about_environment()
    return complaint or f"complete, for Python {read_stamp()['python']}", complaint and f"run: {CALL} learn"


# The command line -----------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence."""

    def error(self, message):
        raise CourseError(f"{message[0].upper()}{message[1:]}: `{self.prog} --help` lists the options.")


def command_parser(command, description, installs=True):
    parser = Parser(prog=f"{CALL} {command}", description=description, allow_abbrev=False)
    if installs:
        parser.add_argument(
            "--torch",
            choices=["auto", "cpu", "default"],
            help="which PyTorch to install; auto (as without --torch): the build for this machine, found by looking "
            "for an NVIDIA GPU; cpu: without the gigabytes that only such a GPU needs; default: the ordinary build",
        )
    return parser


def help_text():
    """What `--help` prints: in a copy for students, their commands alone."""
    if not HANDOUT.exists():
        return HELP
    kept = []
    for block in HELP.split("\n\n"):
        lines, is_theirs = [], True
        for line in block.split("\n"):
            if line.startswith(f"  {CALL} "):
                is_theirs = line[len(f"  {CALL} ") :].split()[0] in FOR_STUDENTS
            elif not line.startswith("   "):  # not the rest of what is said of a command
                is_theirs = True
            lines += [line] if is_theirs else []
        if lines:
            kept.append("\n".join(lines))
        elif kept[-1].endswith(":"):
            kept.pop()  # the heading of commands that are none of theirs
    return "\n\n".join(kept)


def main(arguments):
    """Do what the command line says; return the exit code."""
    commands = {"learn": learn, "test": test, "doctor": doctor}
    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    try:
        if command in ("-h", "--help", "help"):
            print(help_text(), end="")
            return 0
        if HANDOUT.exists() and command not in FOR_STUDENTS and command in (*commands, *HANDED_OVER):
            raise CourseError(
                f"This copy of the course was made for students, and `{command}` is for their instructors, who have "
                f"the whole: here there are {', '.join(FOR_STUDENTS)}."
            )
        if command in commands:
            return commands[command](rest)
        if command in HANDED_OVER:
            if {"-h", "--help"} & set(rest) and complaint_about_environment():
                print(help_text(), end="")  # rather than install gigabytes for a page of help
                return 0
            ensure_environment()
            return run(["-m", *HANDED_OVER[command], *rest])
        similar = difflib.get_close_matches(command, [*commands, *HANDED_OVER], n=1)
        hint = f"did you mean `{CALL} {similar[0]}`?" if similar else f"`{CALL} --help` lists what there is."
        raise CourseError(f"There is no command {command!r}: {hint}")
    except CourseError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
