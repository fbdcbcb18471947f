"""The downloader against a web site on this machine that truncates, stalls, corrupts, redirects and refuses."""

import errno
import hashlib
import http.server
import os
import random
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path

import platformdirs
import pytest
import tqdm

from course_lib.data import download
from course_lib.data.download import DataUnavailable, Source, data_folder, fetch

ROOT = Path(__file__).parents[2]
PATIENT = (600, 600)  # seconds: a busy machine answers late
CONTENT = random.Random(7).randbytes(300_007)
OTHER_CONTENT = random.Random(8).randbytes(300_007)  # of the same length


# The web site ---------------------------------------------------------------------------------------------------------


class Site(http.server.ThreadingHTTPServer):
    """One file, and a plan: how each of the next requests is answered; those after them as a good server would."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.content = CONTENT
        self.tag = {"ETag": '"first"'}
        self.plan = deque()
        self.seen = []  # (path, headers) of every request
        self.go_on = threading.Event()  # for answers that wait

    def source(self, content=CONTENT):
        digest = hashlib.sha256(content).hexdigest()
        return Source("numbers.bin", f"{self.address}/numbers", size=len(content), digest=digest)

    def ranges(self):
        """Return the Range header of each request, None where there was none."""
        return [headers.get("Range") for _, headers in self.seen]

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is part of the tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.close_connection = True
        self.server.seen.append((self.path, dict(self.headers)))
        answer = self.server.plan.popleft() if self.server.plan else usual
        answer(self)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_):
        pass


def asked_from(headers):
    return int(headers["Range"].removeprefix("bytes=").removesuffix("-")) if "Range" in headers else 0


def usual(handler, upto=None, then=lambda: None):
    """Send the file, or the rest that was asked for; all that was promised, or less: up to this place in the file."""
    content, tag = handler.server.content, handler.server.tag
    start = asked_from(handler.headers)
    if start and handler.headers["If-Range"] not in tag.values():
        start = 0
    if start >= len(content):
        return handler.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
    tag |= {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
    handler.head(206 if start else 200, Content_Length=len(content) - start, **tag)
    handler.wfile.write(content[start:upto])
    then()


def truncated(at):
    return partial(usual, upto=at)


def stalled(at):
    """Stop in the middle; who has lost patience with that is patient from there on."""

    def stall(handler):
        download.TIMEOUT = PATIENT
        usual(handler, at, then=handler.server.go_on.wait)

    return stall


def paused(handler):
    """Send the file with a pause in the middle."""
    handler.head(200, Content_Length=len(CONTENT))
    handler.wfile.write(CONTENT[:120_000])
    handler.server.go_on.wait()
    handler.wfile.write(CONTENT[120_000:])


def without_ranges(handler, upto=None):
    handler.head(200, Content_Length=len(handler.server.content))
    handler.wfile.write(handler.server.content[:upto])


def without_length(handler, upto=None):
    """As GitHub sends an archive that it packs on the way."""
    handler.head(200, Transfer_Encoding="chunked")
    content = handler.server.content[:upto]
    for piece in (content[i : i + 50_000] for i in range(0, len(content), 50_000)):
        handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    if upto is None:
        handler.wfile.write(b"0\r\n\r\n")


def status(code):
    return lambda handler: handler.head(code, Content_Length=0)


def redirect(to):
    return lambda handler: handler.head(302, Location=to, Content_Length=0)


def careless(handler):
    """Go on with whatever the file is now, whatever it was before."""
    handler.headers.replace_header("If-Range", handler.server.tag["ETag"])
    usual(handler)


def terse(handler):
    """Go on without repeating by what the file is known: If-Range has said it."""
    start = asked_from(handler.headers)
    rest = handler.server.content[start:]
    handler.head(206, Content_Length=len(rest), Content_Range=f"bytes {start}-{start + len(rest) - 1}/*")
    handler.wfile.write(rest)


def misplaced(handler):
    """Go on, but from elsewhere."""
    content, tag = handler.server.content, handler.server.tag
    handler.head(206, Content_Length=1, Content_Range=f"bytes 0-0/{len(content)}", **tag)
    handler.wfile.write(content[:1])


@pytest.fixture
def site():
    site = Site()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.go_on.set()
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """An empty cache, no variables from outside, no pauses; a proxy must not come between the tests and the site."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name, appauthor: tmp_path / "cache" / name)
    for name in ("COURSE_DATA", "COURSE_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "TIMEOUT", PATIENT)
    monkeypatch.setattr(download, "PAUSES", (0, 0, 0))


@pytest.fixture
def pauses(monkeypatch):
    """Return a list in which the pauses gather, instead of being waited for."""
    taken = []
    monkeypatch.setattr(download, "PAUSES", (1, 2, 4))
    monkeypatch.setattr(download.time, "sleep", taken.append)
    return taken


def left_in(folder):
    """Return the names of what is in the data folder; a system may keep the file of a lock that nobody holds."""
    return {path.name for path in folder.iterdir()} - {"numbers.bin.lock"}


def part_of(path):
    return path.with_name(path.name + ".part")


def wait_until(condition):
    deadline = time.monotonic() + 600  # a backstop
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


# What goes well -------------------------------------------------------------------------------------------------------


def test_file_is_downloaded_once(site, capsys):
    path = fetch(site.source())
    assert path.read_bytes() == CONTENT
    assert path == data_folder() / "numbers.bin"
    assert left_in(path.parent) == {"numbers.bin"}
    said = capsys.readouterr()
    for told in ("numbers.bin", "0.3 MB", f"{site.address}/numbers", str(path.parent), "100%"):
        assert told in said.out
    assert said.err == ""

    assert fetch(site.source()) == path
    assert len(site.seen) == 1
    assert capsys.readouterr() == ("", "")


def test_download_says_nothing_where_asked(site, capsys):
    fetch(site.source(), progress=False)
    assert capsys.readouterr() == ("", "")


def test_size_is_told_before_anything_arrives(site, capsys):
    site.plan.append(status(404))
    with pytest.raises(DataUnavailable):
        fetch(site.source())
    assert "0.3 MB" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [without_ranges, without_length, redirect("/elsewhere")])
def test_servers_differ(site, answer):
    site.plan.append(answer)
    assert fetch(site.source()).read_bytes() == CONTENT


def test_rough_size_will_do(site):
    site.plan.append(without_length)
    assert fetch(replace(site.source(), size=250_000)).read_bytes() == CONTENT


def test_proxy_of_the_environment_is_used(site, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("HTTP_PROXY", site.address)
    monkeypatch.setenv("http_proxy", site.address)
    fetch(replace(site.source(), url="http://data.invalid/numbers"))
    assert [path for path, _ in site.seen] == ["http://data.invalid/numbers"]


def test_import_loads_nothing_heavy():
    code = "import sys, course_lib.data.download; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert set(loaded.stdout.split()) & {"requests", "urllib3", "tqdm", "filelock", "platformdirs"} == set()


# What breaks off and goes on ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [truncated(120_000), stalled(120_000)], ids=["truncated", "stalled"])
@pytest.mark.parametrize("tag", [{"ETag": '"first"'}, {"Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT"}])
def test_broken_download_goes_on_where_it_stopped(site, broken, tag, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (600, 2))
    site.tag = tag
    site.plan.append(broken)
    assert fetch(site.source()).read_bytes() == CONTENT
    (_, first), (_, second) = site.seen
    assert asked_from(first) == 0
    assert 60_000 < asked_from(second) <= 120_000
    assert second["If-Range"] in tag.values()


def test_rest_may_come_without_a_tag(site):
    site.plan.extend([truncated(120_000), terse])
    assert fetch(site.source()).read_bytes() == CONTENT
    assert len(site.seen) == 2


def test_download_survives_as_many_breaks_as_there_are_pauses(site):
    site.plan.extend(truncated(at) for at in (70_000, 140_000, 210_000))
    assert fetch(site.source()).read_bytes() == CONTENT
    assert len(site.seen) == 4


def test_one_break_too_many_leaves_the_part_for_the_next_call(site):
    site.plan.extend(truncated(at) for at in (50_000, 100_000, 150_000, 200_000))
    with pytest.raises(DataUnavailable, match="broke off") as caught:
        fetch(site.source())
    path = data_folder() / "numbers.bin"
    assert str(path) in str(caught.value)
    assert f"{site.address}/numbers" in str(caught.value)
    assert not path.exists()
    arrived = part_of(path).stat().st_size
    assert 150_000 < arrived <= 200_000

    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges()[4:] == [f"bytes={arrived}-"]
    assert left_in(path.parent) == {"numbers.bin"}


def test_silent_server_is_left_in_the_end(site, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (600, 0.3))
    site.plan.extend([lambda handler: handler.server.go_on.wait()] * 4)
    with pytest.raises(DataUnavailable, match=r"sent nothing for 0\.3 seconds"):
        fetch(site.source())
    assert len(site.seen) == 4


@pytest.mark.parametrize("answer", [without_ranges, without_length])
def test_server_without_ranges_sends_all_again(site, answer):
    site.plan.extend([partial(answer, upto=120_000), answer])
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges() == [None, None]


def test_weak_tag_promises_no_bytes(site):
    site.tag = {"ETag": 'W/"first"'}
    site.plan.append(truncated(120_000))
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges() == [None, None]


def test_compressed_answer_is_not_continued(site):
    site.tag |= {"Content-Encoding": "identity"}
    site.plan.append(truncated(120_000))
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges() == [None, None]
    assert {headers["Accept-Encoding"] for _, headers in site.seen} == {"identity"}


@pytest.mark.parametrize("next_answers", [[], [careless]], ids=["good server", "careless server"])
def test_changed_file_is_not_mixed_with_the_old_one(site, next_answers, capsys):
    site.plan.extend([truncated(120_000), status(404)])
    with pytest.raises(DataUnavailable, match="404"):
        fetch(site.source())
    assert part_of(data_folder() / "numbers.bin").stat().st_size > 0

    site.content, site.tag = OTHER_CONTENT, {"ETag": '"second"'}
    site.plan.extend(next_answers)
    capsys.readouterr()
    assert fetch(site.source(OTHER_CONTENT)).read_bytes() == OTHER_CONTENT
    assert "100%" in capsys.readouterr().out  # the bar has started over, too


def test_answer_from_elsewhere_in_the_file_is_not_appended(site):
    site.plan.extend([truncated(120_000), misplaced])
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges()[2] is None


@pytest.mark.parametrize("content", [CONTENT, CONTENT + b"more"], ids=["complete", "too long"])
def test_part_that_has_nothing_missing_starts_over(site, content):
    path = data_folder() / "numbers.bin"
    path.parent.mkdir(parents=True)
    part_of(path).write_bytes(content)
    path.with_name("numbers.bin.part.tag").write_text('"first"', encoding="utf-8")
    assert fetch(site.source()).read_bytes() == CONTENT


@pytest.mark.parametrize("leftover", ["numbers.bin.part", "numbers.bin.part.tag"])
def test_part_and_tag_are_nothing_alone(site, leftover):
    data_folder().mkdir(parents=True)
    (data_folder() / leftover).write_text('"first"', encoding="utf-8")
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges() == [None]


def test_interrupt_passes_and_leaves_the_part(site, monkeypatch):
    with monkeypatch.context() as context:

        def update(bar, amount):
            arrived.append(amount)
            if sum(arrived) > 100_000:
                raise KeyboardInterrupt

        arrived = []
        context.setattr(tqdm.tqdm, "update", update)
        with pytest.raises(KeyboardInterrupt):
            fetch(site.source())
    path = data_folder() / "numbers.bin"
    assert not path.exists()
    assert part_of(path).read_bytes() == CONTENT[: sum(arrived)]

    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges() == [None, f"bytes={sum(arrived)}-"]


@pytest.mark.parametrize("before", [None, b"damaged"])
def test_nothing_half_is_ever_seen_under_the_name(site, before):
    path = data_folder() / "numbers.bin"
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(before)
    seen = []

    def watched(handler):
        handler.head(200, Content_Length=len(CONTENT))
        for start in range(0, len(CONTENT), 60_000):
            handler.wfile.write(CONTENT[start : start + 60_000])
            arrived = start + 60_000 - 2 * download.CHUNK
            wait_until(lambda arrived=arrived: part_of(path).exists() and part_of(path).stat().st_size >= arrived)
            seen.append(path.read_bytes() if path.exists() else None)
            if len(seen) == 5:
                return  # the last seven bytes follow in a second attempt

    site.plan.append(watched)
    assert fetch(site.source()).read_bytes() == CONTENT
    assert seen == [before] * 5


def test_name_is_given_in_one_step(site, monkeypatch):
    def refuse(source, target):
        raise PermissionError(errno.EACCES, "The file is open in another program", target)

    with monkeypatch.context() as context:
        context.setattr(os, "replace", refuse)
        with pytest.raises(DataUnavailable, match="open in another program"):
            fetch(site.source())
    path = data_folder() / "numbers.bin"
    assert not path.exists()
    assert part_of(path).read_bytes() == CONTENT


# What cannot be mended ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "attempts"), [(403, 1), (404, 1), (429, 4), (500, 4), (503, 4)])
def test_errors_of_the_server(site, pauses, code, attempts):
    site.plan.extend([status(code)] * 4)
    with pytest.raises(DataUnavailable, match=f"the server answered {code} "):
        fetch(site.source())
    assert len(site.seen) == attempts
    assert pauses == [1, 2, 4][: attempts - 1]


def test_server_in_trouble_may_recover(site):
    site.plan.extend([status(500), status(503)])
    assert fetch(site.source()).read_bytes() == CONTENT


def test_redirects_without_end(site):
    site.plan.extend([redirect("/again")] * 100)
    with pytest.raises(DataUnavailable, match="from one address to the next"):
        fetch(site.source())


def test_no_connection(site, pauses):
    nobody = replace(site.source(), url="http://127.0.0.1:1/numbers")
    with pytest.raises(DataUnavailable, match="is this computer online") as caught:
        fetch(nobody)
    assert caught.value.__cause__ is not None
    assert pauses == []  # who is not online need not wait to hear it


def test_no_secure_connection(site):
    with pytest.raises(DataUnavailable, match="no secure connection"):
        fetch(replace(site.source(), url=f"https://127.0.0.1:{site.server_port}/numbers"))


def test_address_that_is_none(site):
    with pytest.raises(DataUnavailable, match="Invalid URL"):
        fetch(replace(site.source(), url="http:///numbers"))


@pytest.mark.parametrize("plan", [[], [truncated(120_000)]], ids=["at once", "continued"])
def test_wrong_content_is_deleted(site, plan):
    site.content = OTHER_CONTENT
    site.plan.extend(plan)
    with pytest.raises(DataUnavailable, match="its SHA-256 is wrong") as caught:
        fetch(site.source())
    assert f"{site.address}/numbers" in str(caught.value)
    assert left_in(data_folder()) == set()


def test_digest_may_be_taken_of_something_else_than_the_bytes(site):
    source = replace(site.source(), digest="300007", digest_of=lambda path: str(path.stat().st_size))
    site.content = OTHER_CONTENT
    assert fetch(source).read_bytes() == OTHER_CONTENT


# The folder -----------------------------------------------------------------------------------------------------------


def test_folder_is_in_the_cache_of_the_user(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("COURSE_DATA", "")
    assert data_folder().is_absolute()
    assert "self-attention-step-by-step" in data_folder().parts


def test_folder_of_one_s_own(site, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", "my data/digits")
    assert data_folder() == tmp_path / "my data" / "digits"
    path = fetch(site.source())
    assert path == tmp_path / "my data" / "digits" / "numbers.bin"
    assert path.read_bytes() == CONTENT

    monkeypatch.setenv("COURSE_DATA", "~/digits")
    assert data_folder() == Path.home() / "digits"


def test_wrong_file_in_one_s_own_folder_is_left_alone(site, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    path = tmp_path / "numbers.bin"
    path.write_bytes(OTHER_CONTENT)
    with pytest.raises(DataUnavailable, match="its SHA-256 is wrong") as caught:
        fetch(site.source())
    assert str(path) in str(caught.value)
    assert path.read_bytes() == OTHER_CONTENT
    assert site.seen == []


@pytest.mark.parametrize("own_folder", [False, True])
def test_offline_opens_no_connection(site, monkeypatch, tmp_path, own_folder):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    if own_folder:
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    with pytest.raises(DataUnavailable, match="is not there, and COURSE_OFFLINE is set"):
        fetch(site.source())

    path = data_folder() / "numbers.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(OTHER_CONTENT)
    with pytest.raises(DataUnavailable, match="SHA-256 is wrong" if own_folder else "is damaged, and COURSE_OFFLINE"):
        fetch(site.source())

    path.write_bytes(CONTENT)
    assert fetch(site.source()) == path
    assert left_in(path.parent) == {"numbers.bin"}
    assert site.seen == []


def test_empty_offline_variable_counts_as_none(site, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "")
    assert fetch(site.source()).read_bytes() == CONTENT


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_folder_that_cannot_be(site, monkeypatch, tmp_path, folder):
    (tmp_path / "file").write_bytes(b"not a folder")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / folder))
    with pytest.raises(DataUnavailable, match="cannot serve as the data folder") as caught:
        fetch(site.source())
    assert str(tmp_path / folder) in str(caught.value)
    assert site.seen == []


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="needs a folder that this user cannot write to")
def test_folder_that_cannot_be_written_to(site, monkeypatch, tmp_path):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(DataUnavailable, match="that you may write to"):
        fetch(site.source())
    tmp_path.chmod(0o700)


def test_part_that_cannot_be_written(site, monkeypatch):
    monkeypatch.setattr(Path, "open", disk(errno.EACCES, room=0))
    with pytest.raises(DataUnavailable, match="that you may write to"):
        fetch(site.source())


def test_disk_that_is_too_small(site, monkeypatch):
    free = len(CONTENT) - 1
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: download.shutil._ntuple_diskusage(0, 0, free))
    with pytest.raises(DataUnavailable, match=r"The disk is full: numbers\.bin needs 0\.3 MB") as caught:
        fetch(site.source())
    assert str(data_folder()) in str(caught.value)
    assert site.seen == []


def test_disk_that_runs_full_leaves_the_part(site, monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(Path, "open", disk(errno.ENOSPC, room=150_000))
        with pytest.raises(DataUnavailable, match="The disk is full"):
            fetch(site.source())
    path = data_folder() / "numbers.bin"
    assert not path.exists()
    arrived = part_of(path).stat().st_size
    assert 100_000 < arrived <= 150_000

    # What has arrived need not fit a second time.
    free = len(CONTENT) - arrived
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: download.shutil._ntuple_diskusage(0, 0, free))
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges() == [None, f"bytes={arrived}-"]


def disk(trouble, room):
    """Return a Path.open for a disk on which a part that is longer than `room` makes trouble."""

    class File:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            if self.file.tell() + len(data) > room:
                raise OSError(trouble, os.strerror(trouble))
            return self.file.write(data)

    def open_(path, mode="r", *arguments, **options):
        file = real_open(path, mode, *arguments, **options)
        return File(file) if path.suffix == ".part" and mode == "ab" else file

    real_open = Path.open
    return open_


# Other programs -------------------------------------------------------------------------------------------------------


def start_fetch(site, folder):
    """Start another Python that fetches the file into the folder."""
    source = site.source()
    code = (
        "from course_lib.data.download import Source, fetch\n"
        f"print(fetch(Source({source.name!r}, {source.url!r}, {source.size}, {source.digest!r})).stat().st_size)"
    )
    environment = {**os.environ, "COURSE_DATA": str(folder), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8")


def test_second_program_waits_for_the_first(site, tmp_path):
    site.plan.append(paused)
    with start_fetch(site, tmp_path) as first:
        wait_until(lambda: site.seen)
        with start_fetch(site, tmp_path) as second:
            assert second.stdout.readline() == "Another program is downloading numbers.bin: waiting for it.\n"
            site.go_on.set()
            assert first.communicate()[0].splitlines()[-1] == str(len(CONTENT))
            assert second.communicate()[0].splitlines() == [str(len(CONTENT))]
    assert len(site.seen) == 1
    assert left_in(tmp_path) == {"numbers.bin"}


def test_program_that_was_killed_leaves_the_part(site, monkeypatch, tmp_path):
    site.plan.append(stalled(120_000))
    path = tmp_path / "numbers.bin"
    with start_fetch(site, tmp_path) as killed:
        wait_until(lambda: part_of(path).exists() and part_of(path).stat().st_size > 60_000)
        killed.kill()
        killed.communicate()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert fetch(site.source()).read_bytes() == CONTENT
    assert site.ranges()[1] is not None
