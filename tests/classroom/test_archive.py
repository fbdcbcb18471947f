"""Zip files that were made to do harm: what is refused is told, and nothing of them reaches the disk or the memory."""

import io
import os
import stat
import struct
import warnings
import zipfile

import pytest

from classroom.collecting.archive import MOST_MEMBERS, Archive, check_directory
from grader.handed_in import LARGEST_FILE, SubmissionError


def packed(*members, method=zipfile.ZIP_DEFLATED):
    """Return the bytes of a zip file of pairs (name or ZipInfo, data)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there already
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def opened(data):
    return Archive(io.BytesIO(data), "theirs.zip")


def only_member(data):
    with opened(data) as archive:
        (member,) = archive.members
        return archive, member


def test_members_are_read_in_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with opened(packed(("a/b.ipynb", b"one"), ("c.ipynb", b"two"))) as archive:
        assert [(one.parts, archive.read(one), one.problem) for one in archive.members] == [
            (("a", "b.ipynb"), b"one", ""),
            (("c.ipynb",), b"two", ""),
        ]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["/etc/x.ipynb", "../x.ipynb", "a/../../x.ipynb", "C:\\x.ipynb", "..\\x.ipynb", "c:x.ipynb", "\\x.ipynb"]
)
def test_a_path_that_leads_out_is_refused(name):
    with opened(packed((name, b"{}"))) as archive:
        (member,) = archive.members
        assert "leads out of it" in member.problem
        with pytest.raises(SubmissionError, match="leads out of it"):
            archive.read(member)


def test_a_null_byte_hides_no_ending():
    data = packed(("good.ipynbX.exe", b"{}")).replace(b"good.ipynbX", b"good.ipynb\0")
    with opened(data) as archive:
        assert "leads out of it" in archive.members[0].problem


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind):
    info = zipfile.ZipInfo("x.ipynb")
    info.external_attr = (kind | 0o777) << 16
    with opened(packed((info, b"/etc/passwd"))) as archive:
        assert "no file of its own" in archive.members[0].problem


def test_what_unpacks_to_hundreds_of_times_its_size_is_refused():
    with opened(packed(("x.ipynb", b" " * 3_000_000))) as archive:  # deflate makes a thousandth of it
        assert "more than 200 times its size" in archive.members[0].problem


def test_what_is_too_large_is_refused_before_it_is_unpacked():
    data = bytearray(packed(("x.ipynb", b"{}")))
    directory = data.index(b"PK\1\2")
    data[directory + 24 : directory + 28] = struct.pack("<I", LARGEST_FILE + 1)  # the size that it claims
    with opened(bytes(data)) as archive:
        assert "larger than 100 MiB" in archive.members[0].problem


def test_a_member_that_claims_too_little_is_not_read_beyond_that():
    data = bytearray(packed(("x.ipynb", os.urandom(5000))))
    directory = data.index(b"PK\1\2")
    data[directory + 24 : directory + 28] = struct.pack("<I", 10)
    with opened(bytes(data)) as archive, pytest.raises(SubmissionError, match="cannot be unpacked"):
        archive.read(archive.members[0])


def test_members_that_share_bytes_are_refused():
    data = bytearray(packed(("a.ipynb", b"same"), ("b.ipynb", b"same")))
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # the second begins where the first does
    with pytest.raises(SubmissionError, match="its members share bytes"):
        opened(bytes(data))


def test_of_two_members_of_one_name_neither_counts():
    with opened(packed(("a.ipynb", b"one"), ("b.ipynb", b""), ("./a.ipynb", b"two"))) as archive:
        assert [bool(one.problem) for one in archive.members] == [True, False, True]
        assert "more than once" in archive.members[0].problem


def test_a_password_and_unusual_packing_are_told():
    with opened(packed(("x.ipynb", b"{}" * 99), method=zipfile.ZIP_LZMA)) as archive:
        assert "unusual way" in archive.members[0].problem
    data = bytearray(packed(("x.ipynb", b"{}")))
    data[data.index(b"PK\1\2") + 8] |= 1
    with opened(bytes(data)) as archive:
        assert "locked with a password" in archive.members[0].problem


def test_a_path_without_end_is_told():
    with opened(packed(("a/" * 300 + "x.ipynb", b"{}"))) as archive:
        assert "more than 400 characters" in archive.members[0].problem


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip file at all", packed(("a", b"b"))[:-9]])
def test_what_is_no_zip_file_is_told(data):
    with pytest.raises(SubmissionError, match=r"theirs\.zip cannot be read as a zip file"):
        opened(data)


def test_a_spoiled_member_is_told():
    data = bytearray(packed(("x.ipynb", b"0123456789"), method=zipfile.ZIP_STORED))
    data[data.index(b"0123456789")] ^= 1
    with opened(bytes(data)) as archive, pytest.raises(SubmissionError, match="cannot be unpacked"):
        archive.read(archive.members[0])


def test_a_directory_without_end_is_refused_unread():
    good = packed(("x.ipynb", b"{}"))
    check_directory(good, "good.zip")
    end = good.rindex(b"PK\5\6")
    long = bytearray(good)
    long[end + 12 : end + 16] = struct.pack("<I", 2 * MOST_MEMBERS * 1024)
    with pytest.raises(SubmissionError, match="more than the 20000 files"):
        check_directory(bytes(long), "long.zip")
    with pytest.raises(SubmissionError, match="more than 4 GiB"):
        check_directory(good[:end] + b"PK\6\7" + bytes(16) + good[end:], "huge.zip")


def test_random_changes_never_do_more_than_raise_ours():
    import random

    rng = random.Random(5)
    good = packed(("a/x.ipynb", b"{}" * 50), ("b.ipynb", os.urandom(60)))
    for _ in range(600):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            check_directory(bytes(data), "x.zip")
            with opened(bytes(data)) as archive:
                for member in archive.members:
                    archive.read(member)
        except SubmissionError:
            pass
