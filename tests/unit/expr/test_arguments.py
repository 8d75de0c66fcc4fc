"""Expressions to fetch arguments, both spellings; offsets are those of `kernel.py`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.errors import KtraceError, UsageError
from ktrace.expr.arguments import Resolved, resolve, to_registers
from ktrace.expr.source import Site
from ktrace.model.features import Features
from ktrace.model.miss import Miss
from tests.unit.expr.kernel import NEW, NO_BTF, OLD, kernel, new, old, wrong


@pytest.mark.parametrize(
    ("text", "registers", "names"),
    [
        # parameters
        ("count", "count=%dx:u64", "count=count:u64"),
        ("file", "file=%di:x64", "file=file:x64"),
        ("n=count", "n=%dx:u64", "n=count:u64"),
        ("count:x32", "count=%dx:x32", "count=count:x32"),
        ("$arg3", "count=%dx:u64", "count=count:u64"),
        ("  count  : x64 ", "count=%dx:x64", "count=count:x64"),
        # members, through pointers and structs
        ("file->f_pos", "f_pos=+0x8(%di):s64", "f_pos=file->f_pos:s64"),
        ("file -> f_pos", "f_pos=+0x8(%di):s64", "f_pos=file->f_pos:s64"),
        ("$arg1->f_pos", "f_pos=+0x8(%di):s64", "f_pos=file->f_pos:s64"),
        ("(file)->f_pos", "f_pos=+0x8(%di):s64", "f_pos=file->f_pos:s64"),
        (
            "file->f_path.dentry->d_name.name",
            "name=+0(+0x28(+0x48(%di))):string",
            "name=file->f_path.dentry->d_name.name:string",
        ),
        ("file->f_path.dentry", "dentry=+0x48(%di):x64", "dentry=file->f_path.dentry:x64"),
        (
            "file->f_inode->i_sb->s_id",
            "s_id=+0x10(+0x10(+0x28(%di))):string",
            "s_id=file->f_inode->i_sb->s_id:string",
        ),
        ("file->f_inode->i_ino", "i_ino=+0x8(+0x28(%di)):u64", "i_ino=file->f_inode->i_ino:u64"),
        # anonymous structs and unions
        ("file->number", "number=+0x50(%di):u64", "number=file->number:u64"),
        ("file->pair.high", "high=+0x54(%di):u32", "high=file->pair.high:u32"),
        ("file->deep", "deep=+0x54(%di):s32", "deep=file->deep:s32"),
        # kinds of numbers
        ("file->f_mode", "f_mode=+0x10(%di):u32", "f_mode=file->f_mode:u32"),
        ("file->f_state", "f_state=+0x14(%di):s32", "f_state=file->f_state:s32"),
        ("file->f_wide", "f_wide=+0x18(%di):u64", "f_wide=file->f_wide:u64"),
        ("file->f_small", "f_small=+0x20(%di):u8", "f_small=file->f_small:u8"),
        ("file->f_ok", "f_ok=+0x21(%di):u8", "f_ok=file->f_ok:u8"),
        ("file->f_short", "f_short=+0x22(%di):s16", "f_short=file->f_short:s16"),
        ("file->op", "op=+0x138(%di):x64", "op=file->op:x64"),
        ("file->op:symbol", "op=+0x138(%di):symbol", "op=file->op:symbol"),
        # bitfields: the smallest aligned container
        ("file->f_flags.ro", "ro=+0x58(%di):b1@0/8", "ro=file->f_flags.ro"),
        ("file->f_flags.kind", "kind=+0x58(%di):b3@1/8", "kind=file->f_flags.kind"),
        ("file->f_flags.count", "count=+0x58(%di):b20@4/32", "count=file->f_flags.count"),
        ("file->f_flags.top", "top=+0x5b(%di):b8@0/8", "top=file->f_flags.top"),
        ("file->count", "count=+0x5c(%di):b20@4/32", "count=file->count"),
        # text
        ("file->name", "name=+0(+0x60(%di)):string", "name=file->name:string"),
        ("file->name:x64", "name=+0x60(%di):x64", "name=file->name:x64"),
        ("file->name:ustring", "name=+0(+0x60(%di)):ustring", "name=file->name:ustring"),
        ("file->comm", "comm=+0x68(%di):string", "comm=file->comm:string"),
        ("buf", "buf=+0(%si):string", "buf=buf:string"),
        ("buf:ustring", "buf=+0(%si):ustring", "buf=buf:ustring"),
        ("file->tail", "tail=+0x200(%di):string", "tail=file->tail:string"),
        ("file->user_name", "user_name=+u0(+0x168(%di)):ustring", "user_name=file->user_name:ustring"),
        # files
        ("file:path", "file=+0(+0x28(+0x48(%di))):string", "file=file->f_path.dentry->d_name.name:string"),
        ("file:%pD", "file=+0(+0x28(+0x48(%di))):string", "file=file->f_path.dentry->d_name.name:string"),
        (
            "file->f_path:path",
            "f_path=+0(+0x28(+0x48(%di))):string",
            "f_path=file->f_path.dentry->d_name.name:string",
        ),
        (
            "file->f_path.dentry:%pd",
            "dentry=+0(+0x28(+0x48(%di))):string",
            "dentry=file->f_path.dentry->d_name.name:string",
        ),
    ],
)
def test_both_spellings(text: str, registers: str, names: str) -> None:
    features = Features(btf_args=True, btf_members=True)
    assert old(text) == registers
    assert new(text, features=features) == names


@pytest.mark.parametrize(
    ("text", "registers"),
    [
        ("*pos", "pos=+0(%cx):s64"),
        ("pos[2]", "pos_2=+0x10(%cx):s64"),
        ("*file->f_inode->i_sb->s_id", "s_id=+0x10(+0x10(+0x28(%di))):u8"),
        ("file->ids", "ids=+0x80(%di):s32[4]"),
        ("file->ids[3]", "ids_3=+0x8c(%di):s32"),
        ("file->mac", "mac=+0x78(%di):u8[6]"),
        ("file->mac:x8[6]", "mac=+0x78(%di):x8[6]"),
        ("file->grid", "grid=+0x90(%di):s16[6]"),
        ("file->grid[1][1]", "grid_1_1=+0x96(%di):s16"),
        ("file->grid[1]", "grid_1=+0x94(%di):s16[2]"),
        ("file->big:x8[16]", "big=+0xa0(%di):x8[16]"),
        ("file->big[99]", "big_99=+0x103(%di):u8"),
        ("file->modes", "modes=+0x178(%di):u32[2]"),
        ("file->pairs[1].high", "high=+0x114(%di):u32"),
        ("file->pairs->high", "high=+0x10c(%di):u32"),
        ("file->names", "names=+0x118(%di):string[2]"),
        ("file->names[1]", "names_1=+0(+0x120(%di)):string"),
        ("file->private:x8[4]", "private=+0(+0x130(%di)):x8[4]"),
        ("file->private:string", "private=+0(+0x130(%di)):string"),
        ("file->address:string", "address=+0(+0x170(%di)):string"),
        ("file->mac:string", "mac=+0x78(%di):string"),
        ("file->vec:x64[2]", "vec=+0x150(%di):x64[2]"),
        ("file->f_path:x64[2]", "f_path=+0x40(%di):x64[2]"),
        # declared in one file, described by another
        ("file->net->inum", "inum=+0x4(+0x128(%di)):u32"),
        # addresses
        ("(&file->f_path)->dentry", "dentry=+0x48(%di):x64"),
        ("*&file->f_pos", "f_pos=+0x8(%di):s64"),
        ("&file->comm:string", "comm=+0x68(%di):string"),
        ("&*file", "file=%di:x64"),
        # casts
        ("(struct path *)buf", "buf=%si:x64"),
        ("((struct path *)buf)->dentry", "dentry=+0x8(%si):x64"),
        ("((const struct path*)file->private)->dentry", "dentry=+0x8(+0x130(%di)):x64"),
        ("((file_t *)buf)->f_pos", "f_pos=+0x8(%si):s64"),
        ("((struct file *)%si)->f_pos", "f_pos=+0x8(%si):s64"),
        ("((struct file *)$stack2)->f_pos", "f_pos=+0x8($stack2):s64"),
        ("((struct file *)@init_file)->f_pos", "f_pos=+0x8(@init_file):s64"),
        ("(u32)count", "count=%dx:u32"),
        ("(unsigned char)count", "count=%dx:u8"),
        ("(long)file", "file=%di:s64"),
        ("(enum rw_mode)count", "count=%dx:u32"),
        ("*(int *)buf", "buf=+0(%si):s32"),
        ("((char *)file->private)", "private=+0(+0x130(%di)):string"),
        ("(struct path *)file->comm", None),
        ("((struct path *)file->comm)->dentry", "dentry=+0x70(%di):x64"),
        # container_of
        ("container_of(file, struct holder, file)->id", "id=-0x10(%di):s32"),
        ("container_of(file, struct holder, file)->file.f_pos", "f_pos=+0x8(%di):s64"),
        ("container_of(&file->f_path, struct file, f_path)", "f_path=%di:x64"),
        ("container_of(file->private, struct file, f_path.dentry)->f_pos", "f_pos=-0x40(+0x130(%di)):s64"),
        # the kernel's grammar around ours, and ours in its grammar
        ("+0x8(file->f_inode):u32", "f_inode=+0x8(+0x28(%di)):u32"),
        ("-8(file)", "file=-0x8(%di)"),
        ("+u0x10(file):string", "file=+u0x10(%di):ustring"),
        ("+0x10(+8(file)):string", "file=+0x10(+0x8(%di)):string"),
    ],
)
def test_by_registers_only(text: str, registers: str | None) -> None:
    if registers is None:  # an address that would have to be calculated
        assert "cannot add" in wrong(text).message
        return
    assert old(text) == registers
    assert isinstance(new(text), Miss)


@pytest.mark.parametrize(
    "text",
    ["%di", "%di:u32", "+0(%si):string", "+0x10(-8($stack)):u8", "@jiffies", "@jiffies+8:u32", "\\5",
     "\\-5:s32", '\\"a:b"', "$comm", "$COMM", "$stack", "$stack3:x64", "+0($retval):string",
     "+0(+8($arg2)):string", "$field", "+0($ptr):ustring", "%di:b3@1/8",
     "a=%di", "a=\\\"x\"", "+u0(%si):ustring"],
)  # fmt: skip
def test_the_kernels_own_stays_as_it_is(text: str) -> None:
    for site in (Site("vfs_read"), Site(None), Site("vfs_read", "inside"), Site("vfs_read", features=NEW)):
        found = to_registers(text, site, NO_BTF)
        assert found.arg.to_text() == text
        assert found.spelling == "own"


# The kernel's limits and abilities.


def test_too_deep() -> None:
    chain = "dentry" + "->d_parent" * 13
    site = Site("lookup", body_max=1000)
    assert to_registers(chain, site, kernel()).arg.expr.count("(") == 13
    with pytest.raises(UsageError, match="too deep: 14 pointers"):
        to_registers(chain + "->d_parent", site, kernel())
    with pytest.raises(UsageError, match="too deep: 15 pointers"):  # the text itself is one more
        to_registers(chain + "->d_name.name", site, kernel())


def test_too_long() -> None:
    chain = "dentry" + "->d_parent" * 12
    error = wrong(chain, "lookup")
    assert "too long: the kernel takes 63" in error.message
    assert to_registers(chain, Site("lookup", body_max=255), kernel())


def test_decimal_offsets_where_hexadecimal_ones_are_too_long() -> None:
    text = old("dentry" + "->d_parent" * 9, "lookup")
    assert text == "d_parent=" + "+24(" * 9 + "%si" + ")" * 9 + ":x64"
    hexadecimal = old("dentry" + "->d_parent" * 5, "lookup")
    assert "+0x18(" in hexadecimal


def test_what_kernels_can_do_is_read_from_their_readme() -> None:
    v65 = "\t args: <name>=fetcharg[:type]\n\t fetcharg: (%<register>|$<efield>), <argname>\n"
    v68 = (
        "\t fetcharg: (%<register>), @<address>, <argname>[->field[->field|.field...]],\n"
        "\t kernel return probes support: $retval, $arg<N>, $comm\n"
    )
    assert Features.find("$arg<N>") == OLD
    assert Features.find(v65) == Features(btf_args=True)
    assert Features.find(v68) == Features(btf_args=True, btf_members=True, entry_args_at_return=True)
    assert Features.find(v68 + "%pd/%pD") == NEW


def test_a_kernel_that_knows_names_but_no_members() -> None:
    features = Features(btf_args=True)
    assert new("count", features=features) == "count=count:u64"
    assert isinstance(new("file->f_pos", features=features), Miss)
    assert isinstance(new("buf", features=features), Miss)


def test_file_names_where_the_kernel_has_a_type_for_them() -> None:
    assert new("file:path") == "file=file:%pD"
    assert old("file:path", features=NEW) == "file=%di:%pD"
    assert new("dentry:path", "lookup") == "dentry=dentry:%pd"
    assert old("file->f_path:path", features=NEW) == "f_path=+0x48(%di):%pd"
    assert old("path:path", "lookup", features=NEW) == "path=+0x8(%di):%pd"
    assert old("fn:path", "open_it", features=NEW) == "fn=+0(+0x8(%dx)):string"


def test_user_pointers_that_say_so() -> None:
    assert old("ubuf", "to_user") == "ubuf=+u0(%di):ustring"
    assert old("upath->dentry", "to_user") == "dentry=+u0x8(%si):x64"
    # A pointer that is read from the process's memory points into it.
    assert old("upath->dentry->d_parent", "to_user") == "d_parent=+u0x18(+u0x8(%si)):x64"


# All arguments of a probe.


def texts(*args: str, function: str = "vfs_read", features: Features = OLD, **site: object) -> list[str]:
    found = resolve(args, Site(function, features=features, **site), kernel())  # type: ignore[arg-type]
    return [resolved.arg.to_text() for resolved in found.args]


def test_the_spelling_that_the_kernel_takes() -> None:
    assert texts("file->f_pos", "*pos") == ["f_pos=+0x8(%di):s64", "pos=+0(%cx):s64"]
    assert texts("file->f_pos", "*pos", features=NEW) == ["f_pos=file->f_pos:s64", "pos=+0(%cx):s64"]


def test_by_registers_where_names_would_be_too_long() -> None:
    (text,) = texts("dentry" + "->d_parent" * 6, function="lookup", features=NEW)
    assert text.startswith("d_parent=+0x18(")


def test_names_are_all_different() -> None:
    assert texts("pos", "*pos", "f_pos=count", "file->f_pos", "%di", "di=%si") == [
        "pos=%cx:x64",
        "pos_2=+0(%cx):s64",
        "f_pos=%dx:u64",
        "f_pos_2=+0x8(%di):s64",
        "di_2=%di",
        "di=%si",
    ]
    with pytest.raises(UsageError, match="two arguments are called 'a'"):
        texts("a=pos", "a=count")


def test_every_parameter() -> None:
    assert texts("$args") == ["file=%di:x64", "buf=%si:x64", "count=%dx:u64", "pos=%cx:x64"]
    assert texts("$args", function="open_it", features=NEW) == [
        "name=name:string",  # const char *
        "mode=mode:u32",
        "fn=fn:x64",
    ]
    assert texts("$args", function="nothing", features=NEW) == ["file=file:x64"]
    assert texts("$arg*", "x=%di", features=NEW) == ["$arg*", "x=%di"]


def test_every_parameter_says_what_it_leaves_out() -> None:
    found = resolve(("$args",), Site("by_value"), kernel())
    assert [r.arg.to_text() for r in found.args] == ["pte=%di:u64", "file=%cx:x64", "last=%r8:s32"]
    assert len(found.notes) == 2
    assert "'t' is a whole struct two" in found.notes[0]


def test_names_of_enum_values_come_along() -> None:
    def names(text: str) -> tuple[tuple[int, str], ...]:
        return to_registers(text, Site("vfs_read"), kernel()).names

    assert names("file->f_mode") == ((0, "READ"), (1, "WRITE"), (2, "BOTH"))
    assert names("file->f_state") == ((-1, "GONE"), (0, "IDLE"))
    assert names("file->modes") == names("file->f_mode:s32") == names("file->f_mode")
    assert names("file->f_mode:x32") == ()
    assert names("file->f_pos") == ()


@pytest.mark.parametrize("text", ["&@a+8file", "*@a+010", "&@a+0x", "@a+8x->y"])
def test_an_offset_that_is_no_number_has_a_place(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve((text,), Site("vfs_read", features=OLD), kernel())
    assert caught.value.caret is not None


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["file", "->", ".", "f_path", "dentry", "f_inode", "(", ")", "*", "&", "[", "]", "1", "struct ",
             "path", "container_of", ",", "$retval", "$arg1", "%di", "+8", "-", ":", "string", "u32", "=",
             "x", "@a", "\\", " "]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_text_gives_an_argument_or_an_error_with_a_place(parts: list[str]) -> None:
    text = "".join(parts)
    for features in (OLD, NEW):
        try:
            found = resolve((text,), Site("vfs_read", features=features), kernel())
        except KtraceError as error:
            assert error.caret is None or 0 <= error.caret <= len(error.excerpt or "")
        else:
            assert all(isinstance(resolved, Resolved) for resolved in found.args)
            assert all(len(r.arg.to_text()) <= 63 + 33 for r in found.args if r.spelling != "own")
