# ruff: noqa: E501 -- the lines are as long as the kernel prints them
"""A stream with one of everything, built from text."""

from ktrace.model.batch import Chunk, Missed
from ktrace.tracefs.pipe_text import TextParser

TEXT = (
    b"CPU:1 [LOST 12 EVENTS]\n"
    b"         my prog-149     (     77) [001] d..1.     3.125954: kp: (vfs_read+0x4/0x370) fd=0xff34df53f0d91240 "
    b'p="caf\xe9 \x1b[2J\xe2\x80\xae%s" n=-1 f=a+0x0/0x1 c=\'x\' v={1,2} d={"a",(fault)}\n'
    b"         my prog-149     (-------) [001] d..1.     3.125955: kp: (vfs_read+0x4/0x370) fd=0x0 "
    b"p=(fault) n=18446744073709551615 f=0x12 c=''' v={3,4} d={(fault),\"b\"}\n"
    b"          <idle>-0       (-------) [000] d..1.     3.125956: rp: (ksys_read+0x6f/0xf0 <- vfs_read) r=-11\n"
    b"            bash-7       (      7) [000] .....     3.125957: <stack trace>\n => vfs_read\n => ksys_read\n"
    b"            bash-7       (      7) [000] .....     3.125958: <user stack trace>\n =>  <0000000000433e3d>\n"
    b"CPU:0 [LOST EVENTS]\n"
    b"            bash-7       (      7) [000] .....     3.125959: tracing_mark_write: one\ntwo %d\n"
    b"            bash-7       (      7) [000] .....     3.125960: bare: (0x401136)\n"
    b"[LINE TOO BIG]\n"
)


def chunks() -> list[Chunk]:
    """The stream, in two pieces, and a mark that no text has."""
    parser = TextParser()
    return [parser.feed(TEXT), parser.finish(), Chunk((), (Missed(99, "kp", 3),))]
