from ktrace.cli.report import report, report_all
from ktrace.errors import Busy, NotFound, Refused


def test_one_error_on_stderr(capsys):
    assert report(Refused("no \x1b", errno=22, excerpt="a b", caret=2, hint="do")) == 3
    out, err = capsys.readouterr()
    assert (out, err) == ("", "ktrace: no \\x1b\n  a b\n    ^\n  hint: do\n")


def test_of_several_the_first_says_the_exit_code(capsys):
    assert report_all([NotFound("one"), Busy("two")]) == 4
    assert capsys.readouterr().err == "ktrace: one\nktrace: two\n"


def test_of_none_there_is_nothing_to_say(capsys):
    assert report_all([]) == 0
    assert capsys.readouterr() == ("", "")
