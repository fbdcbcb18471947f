"""Files of others: the report, the gradebook, classmates, the judge itself, and what runs when Python starts."""

from attack import attack, attempting

OWN = "('/grader/compare.py', '/tasks/chapter_02/scaled_scores.py', '/course.py', '/jail/__init__.py', '/solutions/02_scaling.ipynb', '/requirements.txt')"

ATTACKS = [
    attempting(
        "a secret file",
        "open(SECRET).read()",
        "os.readlink('/proc/self/root' + SECRET)",
        "open('/proc/self/cwd/../../..' + SECRET).read()",
    ),
    attempting(
        "a classmate's notebook, read",
        "open(CLASSMATE).read()",
        "os.listdir(os.path.dirname(CLASSMATE))",
        "list(os.scandir(os.path.dirname(CLASSMATE)))",
    ),
    attempting(
        "a classmate's notebook, changed",
        "written(CLASSMATE, '{}')",
        "open(CLASSMATE, 'a').write('x')",
        "opened(CLASSMATE, os.O_RDWR)",
        "done(os.truncate, CLASSMATE, 0)",
    ),
    attempting(
        "a classmate's notebook, moved",
        "done(os.rename, CLASSMATE, CLASSMATE + '.old')",
        "done(os.replace, CLASSMATE, MARKER)",
        "done(os.unlink, CLASSMATE)",
    ),
    attempting(
        "a classmate's notebook, linked",
        "done(os.link, CLASSMATE, MARKER)",
        "done(os.symlink, SECRET, MARKER)",
        "done(os.mkfifo, MARKER)",
        "done(os.mkdir, MARKER)",
    ),
    attempting(
        "a classmate's rights and times",
        "done(os.chmod, CLASSMATE, 0)",
        "done(os.utime, CLASSMATE, (0, 0))",
        "done(os.setxattr, CLASSMATE, 'user.mine', b'x')",
        "done(os.chown, CLASSMATE, 12345, 12345)",
    ),
    attempting(
        "rights changed by number",
        "system_call('fchmodat', -100, CLASSMATE.encode(), 0)",
        "system_call('fchmodat2', -100, CLASSMATE.encode(), 0, 0)",
        "system_call('utimensat', -100, CLASSMATE.encode(), 0, 0)",
    ),
    attempting(
        "the class's folder",
        "done(os.chmod, os.path.dirname(CLASSMATE), 0)",
        "done(os.rename, os.path.dirname(CLASSMATE), MARKER)",
        "done(__import__('shutil').rmtree, os.path.dirname(CLASSMATE))",
    ),
    attempting(
        "the report", "written(REPORT, '[{}]')", "open(REPORT).read()", "opened(REPORT, os.O_WRONLY | os.O_APPEND)"
    ),
    attempting(
        "the gradebook",
        "open(GRADEBOOK, 'rb').read()",
        "opened(GRADEBOOK, os.O_RDWR)",
        "done(raised_points)",
        above="""
def raised_points():
    import sqlite3
    connection = sqlite3.connect(GRADEBOOK, timeout=1)
    connection.execute("update points set points = 100")
    connection.commit()
""",
    ),
    attack("the judge's own files", f"for path in {OWN}: attempt(lambda: opened(REPOSITORY + path, os.O_RDWR))"),
    attempting(
        "a file beside the judge's own",
        "written(f'{REPOSITORY}/{NOTE}.py')",
        "written(f'{REPOSITORY}/grader/{NOTE}.py')",
        "written(f'{REPOSITORY}/grader/__pycache__/{NOTE}.pyc')",
    ),
    attack(
        "what runs when Python starts",
        "import site\nfor place in [*site.getsitepackages(), site.getusersitepackages()]:\n    for name in (NOTE + '.pth', NOTE + '-sitecustomize.py'):\n        attempt(lambda: written(f'{place}/{name}', 'import os'))",
    ),
    attack(
        "packages, changed where they lie",
        "import json\nfor module in (np, json, os):\n    attempt(lambda: opened(module.__file__, os.O_RDWR))\n    attempt(lambda: written(os.path.dirname(module.__file__) + '/__pycache__/' + NOTE))",
    ),
    attempting(
        "the interpreter",
        "opened(os.path.realpath(sys.executable), os.O_RDWR)",
        "done(os.chmod, os.path.realpath(sys.executable), 0o755)",
    ),
    attempting(
        "what runs when a shell starts",
        *(f"written(os.path.expanduser('~') + '/.' + NOTE + {name!r})" for name in ("bashrc", "profile")),
    ),
    attempting(
        "the repository's history",
        "opened(REPOSITORY + '/.git/config', os.O_RDWR)",
        "written(f'{REPOSITORY}/.git/{NOTE}')",
        "open(REPOSITORY + '/.git/HEAD').read()",
    ),
    attempting(
        "the system's own files",
        "opened('/etc/passwd', os.O_RDWR)",
        "open('/etc/shadow').read()",
        "open('/root/.bash_history').read()",
        "os.listdir('/root') or 1",
        "os.listdir('/home') or 1",
    ),
    attempting(
        "the kernel's switches",
        *(
            f"opened({path!r}, os.O_WRONLY)"
            for path in (
                "/proc/sys/kernel/core_pattern",
                "/proc/sysrq-trigger",
                "/sys/fs/cgroup/cgroup.procs",
                "/proc/self/oom_score_adj",
                "/proc/self/mem",
            )
        ),
    ),
]
