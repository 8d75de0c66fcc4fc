"""Errors in expressions, with their places; offsets are those of `kernel.py`."""

import pytest

from ktrace.errors import NotFound, Unavailable
from ktrace.expr.arguments import to_registers
from ktrace.expr.source import Site
from tests.unit.expr.kernel import NO_BTF, wrong


@pytest.mark.parametrize(
    ("text", "function", "caret", "message", "hint"),
    [
        # unknown names
        ("fil", "vfs_read", 0, "no parameter 'fil'", "did you mean file?"),
        (
            "zzz",
            "vfs_read",
            0,
            "no parameter 'zzz'",
            "parameters: struct file *file, char *buf, size_t count",
        ),
        ("x=zzz->a", "vfs_read", 2, "no parameter 'zzz'", None),
        ("file->f_inod", "vfs_read", 6, "struct file has no member 'f_inod'", "did you mean f_inode"),
        ("file->f_path.dentri", "vfs_read", 13, "struct path has no member 'dentri'", "did you mean dentry?"),
        ("file->f_path.zzz", "vfs_read", 13, "no member 'zzz'", "members: mnt, dentry"),
        ("file->F_POS", "vfs_read", 6, "no member", "did you mean f_pos"),
        ("((struct fil *)buf)->x", "vfs_read", 9, "there is no struct 'fil'", "did you mean file"),
        ("((file *)buf)->x", "vfs_read", 2, "there is no type 'file'", "did you mean struct file?"),
        ("(enum rw_mod)count", "vfs_read", 6, "there is no enum", "rw_mode"),
        ("file", "vfs_rea", 0, "no function 'vfs_rea'", "did you mean vfs_read?"),
        ("$arg9", "vfs_read", 0, "has 4 parameters", "vfs_read(struct file *file"),
        ("$arg0", "vfs_read", 0, "counted from $arg1", None),
        # wrong kind
        ("file.f_pos", "vfs_read", 4, "is a pointer (struct file *): write ->", None),
        ("file->f_path->dentry", "vfs_read", 12, "not a pointer but a struct path: write .", None),
        ("count->x", "vfs_read", 5, "not a pointer: its type is size_t", "cast it"),
        ("file->f_mode->x", "vfs_read", 12, "not a pointer", None),
        ("file->f_pos.x", "vfs_read", 11, "has no members: its type is loff_t", None),
        ("pos->x", "vfs_read", 3, "has no members", None),
        ("*count", "vfs_read", 0, "not a pointer", None),
        ("count[1]", "vfs_read", 5, "not a pointer", None),
        ("*file->private", "vfs_read", 0, "'void *' does not say", "cast it"),
        ("file->private->x", "vfs_read", 13, "'void *' does not say", "cast it"),
        ("file->private[1]", "vfs_read", 13, "have no size", None),
        ("file->unknown->x", "vfs_read", 13, "struct hidden are not known", None),
        ("%di->x", "vfs_read", 3, "type of 'di' is not known", "cast it"),
        ("file->ids[4]", "vfs_read", 9, "the last is [3]", None),
        # whole things
        ("file->f_path", "vfs_read", 6, "a whole struct path", ".mnt (void *), .dentry (struct dentry *)"),
        ("*file", "vfs_read", 0, "a whole struct file", ".f_pos (loff_t)"),
        ("file->big", "vfs_read", 6, "100 elements", ":u8[16]"),
        ("file->pairs", "vfs_read", 6, "array of struct pair", "pairs[0].MEMBER"),
        ("file->vec", "vfs_read", 6, "cannot be read: its type is __int128", ":x64[2]"),
        ("file->ratio", "vfs_read", 6, "cannot be read: its type is double", None),
        ("*file->op", "vfs_read", 0, "cannot be read", None),
        # bitfields and addresses
        ("&file->f_flags.kind", "vfs_read", 0, "is a bitfield: it has no address", None),
        ("file->f_flags.kind->x", "vfs_read", 18, "is a bitfield", None),
        ("*file->f_flags.kind", "vfs_read", 0, "is a bitfield", None),
        ("(int)file->f_flags.kind", "vfs_read", 0, "cannot be cast", None),
        ("file->f_flags.kind:string", "vfs_read", 19, "is a bitfield", None),
        ("file->f_flags.kind:u32", "vfs_read", 19, "cannot have another type", None),
        ("&file->f_pos", "vfs_read", 0, "+8 bytes from one that can be read", None),
        ("&file", "vfs_read", 0, "has no address: it is in a register", None),
        ("&%di", "vfs_read", 0, "has no address", None),
        ("container_of(file, struct holder, file)", "vfs_read", 0, "-16 bytes from", None),
        ("container_of(file, struct file, count)", "vfs_read", 32, "is a bitfield", None),
        ("container_of(file, struct holder, fil)", "vfs_read", 34, "no member 'fil'", "did you mean file"),
        ("container_of(file, int, x)", "vfs_read", 24, "int has no members", None),
        ("container_of(count, struct holder, file)", "vfs_read", 0, "not a pointer", None),
        # types
        ("count:u33", "vfs_read", 6, "'u33' is not a type", "u32"),
        ("count:strng", "vfs_read", 6, "'strng' is not a type", "string"),
        ("count:", "vfs_read", 6, "no type after it", None),
        ("file->f_mode:u64", "vfs_read", 13, "would read 4 more", ":u32"),
        ("file->f_mode:string", "vfs_read", 13, "neither text", None),
        ("file->f_path:string", "vfs_read", 13, "neither text", None),
        ("file->f_inode:path", "vfs_read", 14, "not a pointer to a struct dentry or struct file", None),
        ("file:%pd", "vfs_read", 5, "not a pointer to a struct dentry but a struct file *", None),
        ("file->ids:u64[4]", "vfs_read", 10, "has 16 bytes; u64[4] would read 32", None),
        ("file->ids:u32[65]", "vfs_read", 14, "1 to 64", None),
        ("file->ids:u32[x]", "vfs_read", 14, "1 to 64", None),
        ("file->ids:foo[4]", "vfs_read", 10, "'foo' is not a type", None),
        ("count:u8[4]", "vfs_read", 6, "would read 4", None),
        ("(u64)file->f_mode", "vfs_read", 0, "memory after it", None),
        ("(struct path)file", "vfs_read", 0, "memory after it", None),
        ("(long)file->f_path", "vfs_read", 0, "cannot be cast", None),
        # text that is not an expression
        ("", "vfs_read", 0, "nothing to read", None),
        ("file->", "vfs_read", 6, "name of a member is missing", None),
        ("file->5", "vfs_read", 6, "name of a member is missing", None),
        ("file f", "vfs_read", 5, "'f' is not allowed here", None),
        ("count+1", "vfs_read", 5, "is not allowed here", "not calculate"),
        ("count*2", "vfs_read", 5, "is not allowed here", "not calculate"),
        ("(file", "vfs_read", 5, "')' is missing", None),
        ("file)", "vfs_read", 4, "is not allowed here", None),
        ("file[x]", "vfs_read", 5, "only a number", None),
        ("file[1", "vfs_read", 6, "']' is missing", None),
        ("file[010]", "vfs_read", 5, "not a number", None),
        ("5", "vfs_read", 0, "a number is not something to read", "\\5"),
        ("->x", "vfs_read", 0, "is not allowed here", None),
        ("file#x", "vfs_read", 4, "no meaning", None),
        ("file->f\u00e4", "vfs_read", 7, "no meaning", None),
        ("+x(file)", "vfs_read", 1, "an offset is missing", None),
        ("(struct *)file", "vfs_read", 8, "name of a type is missing", None),
        ("container_of(file, struct holder)", "vfs_read", 32, "',' is missing", None),
        ("(" * 40 + "file" + ")" * 40, "vfs_read", 30, "nested too deeply", None),
        ("*" * 1000 + "file", "vfs_read", 1000, "more than can be read", None),
        # functions
        ("a", "twice", 0, "2 functions twice", "1: int twice(int a)\n2: int twice(long int b)"),
        ("file", "vfs_read.isra.0", 0, "dropped, or replaced", "--force"),
        ("file", "vfs_read.part.0", 0, "a part of the function", "--force"),
        ("file", "vfs_read.constprop.0", 0, "constant have been dropped", "--force"),
    ],
)
def test_errors_point_at_what_is_wrong(
    text: str, function: str, caret: int, message: str, hint: str | None
) -> None:
    error = wrong(text, function)
    assert message in error.message
    assert error.caret == caret, error.message
    if hint:
        assert hint in (error.hint or "")


def test_kinds_of_errors_have_their_exit_codes() -> None:
    assert isinstance(wrong("file", "vfs_rea"), NotFound)
    assert isinstance(wrong("((struct fil *)buf)->x"), NotFound)
    with pytest.raises(Unavailable, match="CONFIG_DEBUG_INFO_BTF") as caught:
        to_registers("file->f_pos", Site("vfs_read"), NO_BTF)
    assert caught.value.caret == 0
    assert "$arg1" in (caught.value.hint or "")
    with pytest.raises(Unavailable):
        to_registers("((struct file *)%di)->f_pos", Site(None), NO_BTF)
