"""Rosters as course systems export them, and what is wrong with one."""

import pytest

from classroom.collecting.roster import RosterError, read_roster
from classroom.graded import Student

ANN, BO = ("Ann Lee", "ann@example.org"), ("Bo Müller", "bo@example.org")
DIALECTS = {
    "plain": ("id,name,email\ns1,Ann Lee,ann@example.org\ns2,Bo Müller,bo@example.org\n", ("s1", "s2"), {}),
    "any order, semicolons": (
        "E-Mail;Name;Student ID\nann@example.org;Ann Lee;s1\n\nbo@example.org;Bo Müller;s2\n",
        ("s1", "s2"),
        {},
    ),
    "Moodle's grading worksheet": (
        "Identifier,Full name,Email address,Status,Grade,Maximum grade\n"
        'Participant 4711,Ann Lee,ann@example.org,"Submitted, for grading",,21.00\n'
        "Participant 4712,Bo Müller,bo@example.org,No submission,,21.00\n",
        ("ann@example.org", "bo@example.org"),
        {"4711": 0, "4712": 1, "participant 4712": 1},
    ),
    "Moodle's participants": (
        '"First name","Last name","ID number","Email address",Username\n'
        "Ann,Lee,0042,ann@example.org,alee\nBo,Müller,0043,bo@example.org,bmue\n",
        ("0042", "0043"),
        {"alee": 0, "BMUE": 1},
    ),
    "Canvas's gradebook": (
        "Student,ID,SIS User ID,SIS Login ID,Section,Scaling (901)\n"
        "    Points Possible,,,,,21\n"
        '"Lee, Ann",11,S0042,ann@example.org,One,\n"Müller, Bo",12,S0043,bo@example.org,One,\n',
        ("11", "12"),
        {"s0042": 0, "S0043": 1},
    ),
    "Gradescope's roster": (
        "First Name\tLast Name\tSID\tEmail\tSections\nAnn\tLee\t3001\tann@example.org\t\n"
        "Bo\tMüller\t3002\tbo@example.org\t\n",
        ("3001", "3002"),
        {},
    ),
}


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "roster.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(write, dialect, encoding):
    text, ids, others = DIALECTS[dialect]
    roster = read_roster(write(text, encoding))
    assert [student.id for student in roster.students] == list(ids)
    assert roster.told == ()
    for student, (name, email) in zip(roster.students, (ANN, BO), strict=True):
        assert roster.find("unknown", name) == student
        assert roster.find("unknown", email=email) == student
        assert roster.find(student.id.upper()) == student
    for key, place in others.items():
        assert roster.find(key) == roster.students[place]


def test_an_id_wins_against_the_login_of_another(write):
    roster = read_roster(write("id,login,name\na,x,Ann\nx,y,Bo\n"))
    assert (roster.find("x").name, roster.find("y").name) == ("Bo", "Bo")


def test_what_two_share_identifies_neither(write):
    roster = read_roster(write("id,name,email\n1,Cy Doe,team@example.org\n2,Cy Doe,team@example.org\n"))
    assert roster.find("?", "Cy Doe") is None
    assert roster.find("?", email="team@example.org") is None
    assert roster.find("2", "Cy Doe") == Student("2", "Cy Doe", "team@example.org")


def test_a_line_without_an_id_is_told(write):
    path = write("id,name\n,Ann\n2,Bo\n")
    roster = read_roster(path)
    assert [student.id for student in roster.students] == ["2"]
    assert roster.told == (f"{path}, line 2: no id, so it was passed over.",)


def test_control_characters_become_text(write):
    assert read_roster(write("id,name\n1,A\x1b[31mnn\n")).students[0].name == "A\\x1b[31mnn"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("first,second\n1,2\n", "no column that identifies a student, such as id; its first line says: first, second"),
        ("id,name\n1,Ann\n2,Bo\n1,Cy\n", "line 4: 1 is there already, in line 2"),
        ('id,name\n1,"Ann\n', "is no CSV file"),
    ],
)
def test_what_is_wrong_is_told(write, text, said):
    with pytest.raises(RosterError, match=said):
        read_roster(write(text))


def test_another_encoding_is_told(write):
    with pytest.raises(RosterError, match="save it as CSV UTF-8"):
        read_roster(write("id,name\n1,Müller\n", "latin-1"))


def test_who_stands_there_twice_is_one(write):
    assert [student.id for student in read_roster(write("id,name,section\n1,Ann,A\n2,Bo,A\n1,Ann,B\n")).students] == [
        "1",
        "2",
    ]


def test_a_number_of_one_assignment_is_an_id_if_there_is_no_other(write):
    roster = read_roster(write("Identifier,Full name,Email address\nTeilnehmer/in4711,Ann,\n"))
    assert roster.students == (Student("Teilnehmer/in4711", "Ann", ""),)
    assert roster.find("4711") == roster.students[0]


def test_an_email_is_an_id_if_there_is_no_other(write):
    assert read_roster(write("Name,Email\nAnn,ann@example.org\n")).students[0].id == "ann@example.org"


def test_a_roster_without_a_single_id_is_refused(tmp_path):
    """Or the whole class would be graded as if there were none."""
    path = tmp_path / "roster.csv"
    path.write_text("Matrikelnummer;Vorname;Mail\n1;Ann;\n2;Bo;\n", encoding="utf-8")
    with pytest.raises(RosterError, match="no line has an id"):
        read_roster(path)
