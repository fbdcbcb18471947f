"""Zip archives as a learner may get them: packed in several ways, damaged, or made to do harm."""

import io
import os
import stat
import tracemalloc
import zipfile
from functools import partial
from pathlib import Path

import pytest

from course_lib.data import archives
from course_lib.data.archives import content_digest, read_archive
from course_lib.data.download import DataUnavailable, Source, fetch, file_digest

# One name is a prefix of another's sort order, one is not ASCII, one file is empty.
RECORDINGS = {"recordings/7_ada_2.wav": b"second", "recordings/7_zoë_2.wav": b"", "recordings/7_ada_10.wav": b"ten"}
WANTED = "recordings/*.wav"

# By printf and sha256sum: for each name in sorted order, the name, a zero byte and the 32 bytes of sha256(content).
DIGEST = "f9f537c98a25801ed47ea3f05a721e0f282285bcfcf46152a49a4ec2a243f11a"


@pytest.fixture
def archive(tmp_path):
    """Return a function that packs contents by name, or by `ZipInfo`, into one archive and gives its path."""

    def pack(contents, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "archive.zip"
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, content in contents.items():
                file.writestr(name, content)
        return path

    return pack


def inside(folder, contents):
    return {f"{folder}/{name}": content for name, content in contents.items()}


# What is read ---------------------------------------------------------------------------------------------------------


def test_only_what_is_wanted_is_read(archive):
    others = {
        "README.md": b"read me",
        "recordings/notes.txt": b"not a recording",
        "recordings/old/7_ada_2.wav": b"one folder too deep",
        "a/b/recordings/7_ada_3.wav": b"two folders around it",
        "other/7_ada_2.wav": b"another folder",
        "recordings/folder.wav/": b"",
        "RECORDINGS/7_ADA_2.WAV": b"in capitals",
    }
    contents = read_archive(archive(others | RECORDINGS), WANTED)
    assert contents == RECORDINGS
    assert list(contents) == sorted(RECORDINGS)


def test_folder_around_everything_is_left_out(archive):
    path = archive(inside("digits-26eb9aa", {"README.md": b"read me", **RECORDINGS}))
    assert read_archive(path, WANTED) == RECORDINGS
    assert read_archive(path, "*.md") == {"README.md": b"read me"}


def test_nothing_is_written(archive):
    path = archive(RECORDINGS)
    read_archive(path, WANTED)
    assert [file.name for file in path.parent.iterdir()] == ["archive.zip"]


def test_digest_of_the_content_by_hand(archive):
    assert content_digest(archive(RECORDINGS), WANTED) == DIGEST


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize(
    "contents",
    [
        dict(reversed(RECORDINGS.items())),
        inside("digits-26eb9aa", RECORDINGS),
        {**RECORDINGS, "README.md": b"read me"},
    ],
    ids=["another order", "a folder around", "another file"],
)
def test_digest_of_the_content_forgets_how_it_is_packed(archive, contents, compression):
    assert content_digest(archive(contents, compression), WANTED) == DIGEST


@pytest.mark.parametrize(
    "change",
    [
        {"recordings/7_ada_2.wav": b"Second"},
        {"recordings/7_ada_3.wav": b""},
        {"recordings/7_ada_2.wav": b"ten", "recordings/7_ada_10.wav": b"second"},
    ],
    ids=["a byte", "one more", "two exchanged"],
)
def test_digest_of_the_content_sees_a_change(archive, change):
    assert content_digest(archive(RECORDINGS | change), WANTED) != DIGEST


def test_digest_of_a_file(tmp_path):
    path = tmp_path / "one.txt"
    path.write_bytes(b"one")
    # printf one | sha256sum
    assert file_digest(path) == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_archive_is_verified_by_its_content(archive, monkeypatch):
    path = archive(inside("digits-26eb9aa", RECORDINGS))
    monkeypatch.setenv("COURSE_DATA", str(path.parent))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    source = Source(path.name, "https://data.invalid/", 1, DIGEST, partial(content_digest, wanted=WANTED))
    assert fetch(source) == path

    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataUnavailable, match="its SHA-256 is wrong"):
        fetch(source)


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../recordings/7_ada_2.wav",
        "recordings/../../7_ada_2.wav",
        "/recordings/7_ada_2.wav",
        "//server/recordings/7_ada_2.wav",
        "C:/recordings/7_ada_2.wav",
        "c:7_ada_2.wav",
        "recordings\\7_ada_2.wav",
        "..\\7_ada_2.wav",
        "unwanted/../../7_ada_2.txt",
    ],
)
def test_names_that_lead_out_are_refused(archive, name):
    member = zipfile.ZipInfo("placeholder")
    member.filename = name  # as it is: ZipInfo's own start would turn backslashes on Windows
    path = archive({**RECORDINGS, member: b"harm"})
    with pytest.raises(DataUnavailable, match="leads out of it") as caught:
        read_archive(path, WANTED)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["recordings/7..ada.wav", "recordings/..7.wav", "recordings/ada: 7.wav"])
def test_names_that_only_look_odd_are_read(archive, name):
    assert read_archive(archive({name: b"seven"}), WANTED) == {name: b"seven"}


def test_links_are_refused(archive):
    link = zipfile.ZipInfo("recordings/7_ada_3.wav")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16  # made on Unix
    with pytest.raises(DataUnavailable, match="is a link"):
        read_archive(archive({**RECORDINGS, link: b"/etc/passwd"}), WANTED)


def test_bombs_are_refused(archive, monkeypatch):
    path = archive({"recordings/1.wav": bytes(700), "recordings/2.wav": bytes(301), "unwanted.wav": bytes(5000)})
    monkeypatch.setattr(archives, "UNPACKED_LIMIT", 1001)
    assert {name: len(content) for name, content in read_archive(path, WANTED).items()} == {
        "recordings/1.wav": 700,
        "recordings/2.wav": 301,
    }
    monkeypatch.setattr(archives, "UNPACKED_LIMIT", 1000)
    with pytest.raises(DataUnavailable, match="more than 1000 bytes"):
        read_archive(path, WANTED)


def test_bombs_that_declare_another_size_do_not_unfold(archive):
    size = 20_000_003
    path = archive({"recordings/1.wav": bytes(size)})
    packed = path.read_bytes()
    assert len(packed) < 50_000
    path.write_bytes(packed.replace(size.to_bytes(4, "little"), (11).to_bytes(4, "little")))
    with zipfile.ZipFile(path) as file:
        assert file.infolist()[0].file_size == 11

    tracemalloc.start()
    with pytest.raises(DataUnavailable, match="Bad CRC-32"):
        read_archive(path, WANTED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


# What is damaged ------------------------------------------------------------------------------------------------------


def test_missing_archive(tmp_path):
    with pytest.raises(DataUnavailable, match="cannot be read") as caught:
        read_archive(tmp_path / "nothing.zip", WANTED)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>"])
def test_file_that_is_no_archive(tmp_path, content):
    (tmp_path / "page.zip").write_bytes(content)
    with pytest.raises(DataUnavailable, match="File is not a zip file"):
        read_archive(tmp_path / "page.zip", WANTED)


def test_archive_that_is_cut_off(archive):
    whole = archive(RECORDINGS).read_bytes()
    for length in range(len(whole)):
        with pytest.raises(DataUnavailable):
            read_archive(io.BytesIO(whole[:length]), WANTED)  # zipfile takes it for a file; writing each would be slow


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_damage_is_found_or_does_no_harm(archive, compression):
    whole = archive(RECORDINGS, compression).read_bytes()
    for place in range(len(whole)):
        for bit in (0, 3, 7):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            try:
                contents = read_archive(io.BytesIO(damaged), WANTED)
            except DataUnavailable:
                continue
            assert set(contents.values()) <= set(RECORDINGS.values())


# The real recordings --------------------------------------------------------------------------------------------------


def test_real_recordings_are_the_same_in_either_archive(tmp_path):
    """In the course's own packing and as GitHub packs a revision: 3,000 recordings with one digest."""
    path = Path(os.environ.get("COURSE_DATA", "nowhere"), "free-spoken-digit-dataset.zip")
    if not path.is_file():
        pytest.skip("COURSE_DATA names no folder with free-spoken-digit-dataset.zip")
    digest = "954ea1cf5c26624532853cc6ef905de1efeb89365398c0ce58fe829927db0667"
    assert content_digest(path, WANTED) == digest

    recordings = read_archive(path, WANTED)
    assert len(recordings) == 3000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in recordings.items():
            file.writestr(f"free-spoken-digit-dataset-26eb9aa/{name}", content)
    (tmp_path / "github.zip").write_bytes(packed.getvalue())
    assert content_digest(tmp_path / "github.zip", WANTED) == digest
