"""The doctor's questions that only the installed packages can answer; course.py asks the others before."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import course

BACKSTOP = 600  # seconds, against a kernel that lives and does not answer


def doctor():
    """Print what each check finds; return the number of problems."""
    return course.report([check_packages, check_device, check_kernel, check_import, check_jail])


# Each check is named by its docstring and returns what it found and, where that is a problem, what to do.


def check_packages():
    """packages"""
    from packaging.requirements import Requirement

    lines = course.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pins = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    wrong = []
    for pin in pins:
        try:
            installed = version(pin.name)
        except PackageNotFoundError:
            wrong.append(f"{pin.name} is missing")
        else:
            if not pin.specifier.contains(installed, prereleases=True):
                wrong.append(f"{pin.name} is {installed}, pinned {pin.specifier}")
    return ("; ".join(wrong), course.REINSTALL) if wrong else (f"{len(pins)} as pinned", None)


def check_device():
    """device"""
    import torch

    if torch.cuda.is_available():
        return f"GPU: {torch.cuda.get_device_name()}, PyTorch {torch.__version__}", None
    if torch.backends.mps.is_available():
        return f"GPU: Apple, PyTorch {torch.__version__}", None
    found = f"CPU, PyTorch {torch.__version__}"
    if course.has_nvidia_gpu() and torch.version.cuda:
        return found, "PyTorch cannot use the NVIDIA GPU of this machine: update its driver"
    if course.has_nvidia_gpu():
        return f"{found}; to use the GPU: {course.CALL} learn --torch default", None
    return found, None


def check_kernel():
    """kernel"""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=BACKSTOP, stderr=subprocess.DEVNULL)
    try:
        questions = {"sum": "1 + 1", "prefix": "__import__('sys').prefix"}
        reply = client.execute_interactive("", user_expressions=questions, timeout=BACKSTOP)["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    answers = {name: answer["data"]["text/plain"] for name, answer in reply["user_expressions"].items()}
    if answers != {"sum": "2", "prefix": repr(sys.prefix)}:
        return f"the kernel python3 is not the one of .venv: {answers['prefix']}", course.REINSTALL
    return "starts, and 1 + 1 is 2", None


def check_import():
    """course_lib"""
    question = "import time; began = time.perf_counter(); import course_lib; print(time.perf_counter() - began)"
    command = [sys.executable, "-P", "-c", question]
    reply = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True)
    if reply.returncode:
        return reply.stderr.strip().splitlines()[-1], course.REINSTALL
    return f"imported in {float(reply.stdout):.2f} s", None


def check_jail():
    """jail"""
    from jail.keeper import Keeper, NoJailError

    try:
        with Keeper(course.ROOT, "grader.worker") as keeper:
            return f"an answer runs {keeper.level}", None
    except NoJailError as error:
        return f"{error}; grading here is for work that you trust", None
