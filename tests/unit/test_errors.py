import pickle

import pytest

from ktrace import errors


def every_kind(kind: type) -> list[type]:
    return [kind, *(one for sub in kind.__subclasses__() for one in every_kind(sub))]


EXIT_CODES = {
    errors.KtraceError: 1,
    errors.UsageError: 2,
    errors.Refused: 3,
    errors.NotFound: 4,
    errors.Unavailable: 5,
    errors.Busy: 6,
    errors.Exhausted: 1,
    errors.Damaged: 7,
    errors.VmError: 125,
}


def test_each_kind_has_the_exit_code_of_the_table():
    ours = {kind for kind in every_kind(errors.KtraceError) if kind.__module__ == "ktrace.errors"}
    assert {kind: kind.exit_code for kind in ours} == EXIT_CODES


@pytest.mark.parametrize("code", EXIT_CODES.values())
def test_the_table_in_the_docstring_has_every_code(code):
    assert f"\n| {code} | " in errors.__doc__


@pytest.mark.parametrize("kind", [k for k in EXIT_CODES if k is not errors.Damaged])
def test_an_error_keeps_all_that_it_is_given(kind):
    error = kind("no", hint="do", excerpt="line", caret=2)
    assert (str(error), error.message, error.hint, error.excerpt, error.caret) == (
        "no",
        "no",
        "do",
        "line",
        2,
    )
    bare = kind("no")
    assert (bare.hint, bare.excerpt, bare.caret) == (None, None, None)


def test_refused_keeps_the_errno():
    assert errors.Refused("no", errno=22).errno == 22
    assert errors.Refused("no").errno is None


def test_damaged_says_where():
    error = errors.Damaged("no page header", source="trace.dat", offset=4096, hint="cut off?")
    assert error.message == "trace.dat: offset 4096: no page header"
    assert (error.source, error.offset, error.hint) == ("trace.dat", 4096, "cut off?")


def test_what_catches_failures_does_not_catch_the_wish_to_stop():
    with pytest.raises(errors.Interrupted) as stopped:
        try:
            raise errors.Interrupted(15)
        except Exception:
            pytest.fail("Interrupted is not a failure")
    assert stopped.value.signum == 15


def test_an_error_can_be_handed_to_another_process():
    made = [kind("no", hint="do") for kind in EXIT_CODES if kind is not errors.Damaged]
    made += [errors.Refused("no", errno=22), errors.Damaged("cut", source="a.dat", offset=7)]
    for error in made:
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and vars(again) == vars(error) and str(again) == str(error)
