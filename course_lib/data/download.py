"""The one downloader of the course: public files at a fixed revision, checked by their hash, kept in a folder.

    path = fetch(SOURCE)  # downloads once and says so; from then on it needs no network

What arrives grows in `<name>.part` and takes its own name only when its hash is right, so that no half file is ever
used. A part that an interrupted call left behind is continued, if the server still has the very same file.

Two environment variables steer it: COURSE_DATA names the folder, and with COURSE_OFFLINE, set to anything, no
connection is opened. Proxies are those of the environment (HTTPS_PROXY, NO_PROXY).
"""

import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# requests, tqdm, filelock and platformdirs are imported by the functions that need them: most calls find the file.

TIMEOUT = (10, 30)  # seconds without a connection, and without a byte
PAUSES = (1, 2, 4)  # seconds before the second attempt, the third, the fourth
CHUNK = 2**14  # bytes written at a time: at most so many are lost when a connection drops


class DataUnavailable(Exception):  # noqa: N818 - it names a situation, as KeyboardInterrupt does
    """The data cannot be had; the text says what happened and what to do."""


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Source:
    """A file on the network.

    Attributes:
        name: what it is called in the data folder.
        url: where it is, at a revision that never changes.
        size: bytes, told before a download starts; roughly, where the server packs the file anew each time.
        digest: what `digest_of` gives for the right file.
        digest_of: by default the SHA-256 of its bytes; `content_digest` for an archive whose bytes are not promised.
    """

    name: str
    url: str
    size: int
    digest: str
    digest_of: Callable[[Path], str] = file_digest


def data_folder() -> Path:
    """Return the folder for data: COURSE_DATA, if it is set, or else the cache folder of this system's user."""
    from platformdirs import user_cache_path

    if chosen := os.environ.get("COURSE_DATA"):
        return Path(os.path.expanduser(chosen)).absolute()
    return user_cache_path("self-attention-step-by-step", appauthor=False)


def fetch(source: Source, *, progress: bool = True) -> Path:
    """Return the path of the file, verified; download it first if it is not there.

    Args:
        source: the file.
        progress: whether a download says what it does, and shows a bar.

    Raises:
        DataUnavailable: no connection, a full disk, a wrong file, ...: the text says what to do.
    """
    path = data_folder() / source.name
    try:
        if not _is_right(path, source):
            _may_download(path, source)
            path.parent.mkdir(parents=True, exist_ok=True)
            with _lock(path, progress):
                if not _is_right(path, source):  # it may have come while we waited
                    _download(source, path, progress)
    except OSError as error:
        raise DataUnavailable(_disk_trouble(error, source, path)) from error
    return path


# Files ----------------------------------------------------------------------------------------------------------------


def _is_right(path, source):
    try:
        return path.exists() and source.digest_of(path) == source.digest
    except DataUnavailable:  # an archive so damaged that it has no digest
        return False


def _may_download(path, source):
    """Raise where a download would overwrite the learner's own file or open a connection against their will."""
    if path.exists() and os.environ.get("COURSE_DATA"):
        raise DataUnavailable(
            f"{path} is not the file that the course needs: its SHA-256 is wrong. Move it away and run this again to "
            "download the right one, or let COURSE_DATA name another folder."
        )
    if os.environ.get("COURSE_OFFLINE"):
        raise DataUnavailable(
            f"{path} is {'damaged' if path.exists() else 'not there'}, and COURSE_OFFLINE is set, so nothing is "
            f"downloaded. Unset it, or save {source.url} under that name."
        )


def _lock(path, progress):
    """Return the file's lock, held, as a context: two notebooks must not write to the same part."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        if progress:
            print(f"Another program is downloading {path.name}: waiting for it.", flush=True)
        return lock.acquire()


def _download(source, path, progress):
    """Bring `path` about: receive the part, verify it, and only then give it its name."""
    from tqdm import tqdm  # the plain one: a line of text in a terminal and in JupyterLab, and no widget to store

    part, _ = _part_of(path)
    if shutil.disk_usage(path.parent).free < source.size - (part.stat().st_size if part.exists() else 0):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if progress:
        print(f"Downloading {source.name}, {_size(source)}\n  from {source.url}\n  into {path.parent}", flush=True)
    with tqdm(total=source.size, unit="B", unit_scale=True, file=sys.stdout, disable=not progress) as bar:
        _receive(source, path, bar)
    if not _is_right(part, source):
        _discard_part(path)
        raise DataUnavailable(
            f"What came from {source.url} is not what the course needs: its SHA-256 is wrong, and it was deleted. Some "
            "networks send a page of their own, to log in, for example: open the address in a browser to see, then run "
            "this again."
        )
    os.replace(part, path)
    _discard_part(path)  # the tag is left


def _part_of(path):
    """Return the paths of what has arrived, and of the tag by which the server knows that state of the file."""
    return path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.tag")


def _discard_part(path):
    for file in _part_of(path):
        file.unlink(missing_ok=True)


def _size(source):
    return f"{source.size / 1e6:.1f} MB"


def _disk_trouble(error, source, path):
    if error.errno == errno.ENOSPC:
        return (
            f"The disk is full: {source.name} needs {_size(source)} in {path.parent}. Make room, or let the "
            "environment variable COURSE_DATA name a folder on another disk; then run this again."
        )
    return (
        f"{path.parent} cannot serve as the data folder ({error}). Let the environment variable COURSE_DATA name a "
        "folder that you may write to; then run this again."
    )


# Network --------------------------------------------------------------------------------------------------------------


def _receive(source, path, bar):
    """Complete the part; where the connection drops or stalls, go on after a pause."""
    import requests

    for pause in (*PAUSES, None):
        try:
            return _request_rest(source.url, path, bar)
        except requests.RequestException as error:
            what_happened, may_pass = _diagnose(error)
            if pause is None or not may_pass:
                raise DataUnavailable(
                    f"{source.name} was not downloaded: {what_happened}. Run this again later (it goes on where it "
                    f"stopped, if the server can), or save {source.url} as {path} by other means."
                ) from error
            time.sleep(pause)


def _request_rest(url, path, bar):
    """Append to the part what is missing of it; a server that does not go on where it ends sends all from the start."""
    import requests

    part, tag_file = _part_of(path)
    tag = tag_file.read_text(encoding="utf-8") if part.exists() and tag_file.exists() else ""
    start = part.stat().st_size if tag else 0
    headers = {"Accept-Encoding": "identity"}  # or the server might count the bytes of a compressed file
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": tag}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code in (206, 416) and not _goes_on(response, start, tag):
            _discard_part(path)
            raise requests.ConnectionError("the server cannot go on where the download stopped")
        response.raise_for_status()
        if response.status_code != 206:
            start = 0
            part.write_bytes(b"")
            tag_file.write_text(_tag(response), encoding="utf-8")
        bar.n = bar.initial = start
        bar.refresh()
        with part.open("ab") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _tag(response):
    """Return by what the server knows this state of the file, byte for byte: "" if it does not promise that."""
    if "Content-Encoding" in response.headers:
        return ""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")  # W/"..." is a weak one


def _goes_on(response, start, tag):
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    return begins and _tag(response) in ("", tag)


def _diagnose(error):
    """Return what a failed request means, and whether another attempt may go better."""
    import requests
    from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError

    cause = error.args[0] if error.args else None
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code
        return f"the server answered {status} ({error.response.reason})", status >= 500 or status in (408, 429)
    if isinstance(error, requests.TooManyRedirects):
        return "the server leads from one address to the next without end", False
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "no secure connection can be made; does a proxy, a virus scanner or a wrong clock stand in the way?",
            False,
        )
    if isinstance(cause, MaxRetryError):
        return "the server cannot be reached; is this computer online?", False
    if isinstance(cause, ReadTimeoutError):
        return f"the server sent nothing for {TIMEOUT[1]} seconds", True
    if isinstance(cause, ProtocolError):
        return "the connection broke off", True
    return str(error), isinstance(error, requests.ConnectionError)
