"""What a class hands in as files: names, links and archives that lead elsewhere, or unpack to more than there is."""

import io
import json
import os
import struct
import zipfile
import zlib

import pytest
from attack import SCALED, honest_notebook

from classroom.collecting.gather import gather

HONEST = honest_notebook(SCALED)
SECRET = b"a text that only lies outside of what was handed in"
LARGEST = 2**20  # bytes that anything here may come to: the honest notebooks are small


def packed(*members, compression=zipfile.ZIP_DEFLATED):
    """Return the bytes of a zip file of pairs (a name or `ZipInfo`, data)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def kind(name, mode):
    """Return a member that says it is a file of that kind."""
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, mode << 16
    return member


def overlapping():
    """Return a zip file in which a hundred members are one and the same bytes."""
    data = packed(("x.ipynb", bytes(2**20)))
    place = data.index(b"PK\1\2")
    entry, end = data[place : data.index(b"PK\5\6")], data[data.index(b"PK\5\6") :]
    names = [entry.replace(b"x.ipynb", f"{number:03}.ipyn".encode()[:7]) for number in range(100)]
    end = end[:8] + struct.pack("<HHII", 100, 100, sum(map(len, names)), place) + end[20:]
    return data[:place] + b"".join(names) + end


def with_size(claimed):
    """Return a zip file whose member claims another size than it unpacks to."""
    data = packed(("x.ipynb", bytes(2**24)))
    true = struct.pack("<I", 2**24)
    return data.replace(true, struct.pack("<I", claimed))


NESTED = packed(("inner.zip", packed(("x.ipynb", HONEST))))
ARCHIVES = {
    "a path above the folder": packed(("../../x.ipynb", HONEST)),
    "a path from the root": packed(("/tmp/x.ipynb", HONEST)),
    "a path of another system": packed(("..\\..\\x.ipynb", HONEST), ("C:\\x.ipynb", HONEST)),
    "a path that is hidden behind a null": packed(("x.ipynb", HONEST)).replace(b"x.ipynb", b"x\0ipynb"),
    "a link": packed((kind("x.ipynb", 0o120777), b"../../outside/secret.ipynb")),
    "a pipe": packed((kind("x.ipynb", 0o010644), b"")),
    "a device": packed((kind("x.ipynb", 0o020666), b"")),
    "gigabytes of zeros": packed(("x.ipynb", bytes(2**27))),
    "members that share bytes": overlapping(),
    "a size that is too small": with_size(10),
    "a size that is too large": with_size(2**32 - 2),
    "twenty thousand and more members": packed(*((f"{n}.ipynb", b"") for n in range(20_001)), compression=0),
    "an archive in an archive": NESTED,
    "an archive that holds itself, as it says": NESTED[:-22] + NESTED[-22:] * 2,
    "two members of one name": packed(("x.ipynb", HONEST), ("./x.ipynb", b"{}")),
    "a path of a hundred thousand characters": packed(("a/" * 30_000 + "x.ipynb", HONEST)),
    "a name in control characters": packed(("\x1b[2J\x07\n\r\u202e.ipynb", HONEST)),
    "a name that is a formula": packed(("=cmd|' /C calc'!A0/x.ipynb", HONEST)),
    "a name that is markup": packed(("<script>alert(1)</script>.ipynb", HONEST)),
    "a checksum that is wrong": packed(("x.ipynb", HONEST)).replace(struct.pack("<I", zlib.crc32(HONEST)), b"\0\0\0\0"),
    "half an archive": packed(("x.ipynb", HONEST))[:200],
    "a packing for specialists": packed(("x.ipynb", HONEST), compression=zipfile.ZIP_LZMA),
    "no archive at all": b"PK\3\4" + bytes(1000),
    "nothing": b"",
    "other students' folders": packed(("../ann/x.ipynb", b"{}"), ("ann/x.ipynb", b"{}"), ("gradebook.sqlite", b"x")),
}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """A class's folder: an archive from each hostile student, and an honest one before and after them."""
    place = tmp_path_factory.mktemp("class")
    (place / "outside").mkdir()
    (place / "outside" / "secret.ipynb").write_bytes(SECRET)
    folder = place / "in"
    for who in ("ann", "zoe"):
        (folder / who).mkdir(parents=True)
        (folder / who / "x.ipynb").write_bytes(HONEST)
    for number, data in enumerate(ARCHIVES.values()):
        (folder / f"m{number:02}").mkdir()
        (folder / f"m{number:02}" / "mine.zip").write_bytes(data)
    if os.name == "posix":
        _odd_files(folder)
    return folder


def _odd_files(folder):
    """Hand in what only looks like a notebook."""
    for number, make in enumerate(
        (
            lambda path: path.symlink_to(folder.parent / "outside" / "secret.ipynb"),
            lambda path: path.symlink_to("/dev/zero"),
            lambda path: path.symlink_to(path),
            lambda path: os.mkfifo(path),
            lambda path: path.mkdir(),
            lambda path: path.symlink_to(folder.parent / "outside", target_is_directory=True),
        )
    ):
        (folder / f"odd{number}").mkdir()
        make(folder / f"odd{number}" / "x.ipynb")
    (folder / "linked").symlink_to(folder.parent / "outside", target_is_directory=True)
    (folder / "odd\x1b[2J\n\u202e").mkdir()
    (folder / "odd\x1b[2J\n\u202e" / "x.ipynb").write_bytes(HONEST)


@pytest.fixture(scope="module")
def read(handed_in):
    """Each student's (notebooks that come to the judge, what is wrong)."""
    before = sorted(handed_in.parent.rglob("*"))
    with gather([handed_in], "02") as gathered:
        found = {}
        for one in gathered.submissions:
            given, _, wrong = one.read()
            found[one.id] = (given, wrong)
    assert sorted(handed_in.parent.rglob("*")) == before, "something was unpacked onto the disk"
    return found


def test_honest_students_keep_theirs(read):
    for who in ("ann", "zoe"):
        given, wrong = read[who]
        assert ([one.notebook for one in given], wrong) == ([HONEST], [])


@pytest.mark.parametrize("number", range(len(ARCHIVES)), ids=list(ARCHIVES))
def test_an_archive_gives_its_own_notebook_or_a_reason(read, number):
    given, wrong = read[f"m{number:02}"]
    assert given or wrong
    assert all(one.notebook in (HONEST, b"{}") for one in given)
    assert all(len(text) < 2000 for text in wrong)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such files")
def test_what_is_no_file_of_its_own_is_not_read(read):
    odd = {who: both for who, both in read.items() if who.startswith("odd") and who != "odd\\x1b[2J\\n\\u202e"}
    assert len(odd) >= 4
    assert [given for given, _ in odd.values()] == [[]] * len(odd)
    assert all(wrong for _, wrong in odd.values())


def test_nothing_from_outside_comes_in(read):
    given = [one for both in read.values() for one in both[0]]
    assert all(SECRET not in one.notebook and SECRET not in b"".join(one.beside.values()) for one in given)
    assert sum(len(one.notebook) for one in given) < LARGEST


def test_all_names_can_be_printed_and_stored(read):
    names = [*read, *(one.name for given, _ in read.values() for one in given)]
    assert all(name.isprintable() and name.encode() for name in names)
    json.dumps(names)


def test_nobody_hands_in_for_another(read):
    """The names in a student's archive are below that student's own."""
    assert {who for who in read if not who.startswith(("m", "odd", "linked"))} == {"ann", "zoe"}
