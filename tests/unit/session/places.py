"""A kernel for the tests of places: its lists are files that the test writes, its types built."""

from pathlib import Path

from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.files import Files
from tests.unit.expr.kernel import NO_BTF, kernel

OLD_README = "  place: <symbol>\n"
NEW_README = (
    "  kernel return probes support: $retval, $arg<N>, $comm\n"
    "  args: <argname>[->field[->field|.field...]]\n"
    "  %pd/%pD\n"
    "  f[:[<group>/][<event>]] <func-name>[%return] [<args>]\n"
    "  t[:[<group>/][<event>]] <tracepoint> [<args>]\n"
)

SYMBOLS = """\
ffffffff81000010 T vfs_read
ffffffff81000020 T __pfx_vfs_read
ffffffff81000030 T vfs_write
ffffffff81000040 t twice
ffffffff81000050 t twice
ffffffff81000060 t lookup.isra.0
ffffffff81000070 t lookup.isra.0.cold
ffffffff81000080 T kernel_clone
ffffffff81000090 T __x64_sys_openat
ffffffff81000098 T __x64_sys_openat2
ffffffff810000a0 T vfs_secret
ffffffff810000b0 T vfs_hidden
ffffffff810000c0 D jiffies
ffffffffc0000010 t open_it\t[mod]
"""
TRACEABLE = """\
vfs_read
vfs_write
twice
twice
lookup.isra.0
kernel_clone
__x64_sys_openat
open_it [mod]
vfs_secret
"""
BLACKLIST = "0xffffffff810000a0-0xffffffff810000b0\tvfs_secret\n"
OPENAT = """\
name: sys_enter_openat
ID: 700
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;
\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;
\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
\tfield:int flags;\toffset:32;\tsize:8;\tsigned:0;

print fmt: ""
"""
OPENAT2 = OPENAT.replace("openat", "openat2").replace(
    "\tfield:int flags;\toffset:32;\tsize:8;\tsigned:0;\n",
    "\tfield:struct file * how;\toffset:32;\tsize:8;\tsigned:0;\n"
    "\tfield:void * extra;\toffset:40;\tsize:8;\tsigned:0;\n",
)


class BuiltKernel(Kernel):
    """Notes what was read, so that a test can say that nothing was."""

    def __init__(self, root: Path, readme: str, *, btf: bool = True) -> None:
        tracing, debug = root / "tracing", root / "debug"
        (tracing / "events/syscalls/sys_enter_openat").mkdir(parents=True)
        (debug / "kprobes").mkdir(parents=True)
        (tracing / "README").write_text(readme)
        (tracing / "available_filter_functions").write_text(TRACEABLE)
        (tracing / "available_events").write_text("sched:sched_switch\nsyscalls:sys_enter_openat\n")
        (tracing / "events/syscalls/sys_enter_openat/format").write_text(OPENAT)
        (tracing / "events/syscalls/sys_enter_openat2").mkdir()
        (tracing / "events/syscalls/sys_enter_openat2/format").write_text(OPENAT2)
        (debug / "kprobes/blacklist").write_text(BLACKLIST)
        (root / "modules").write_text("mod 16384 0 - Live 0x0\n")
        self.read: list[str] = []
        super().__init__(
            Files(LocalHost(), str(tracing)),
            Files(LocalHost(), str(debug)),
            machine="x86_64",
            load_symbols=self._symbols,
            modules=str(root / "modules"),
        )
        self._btf = btf

    def types(self, module: str | None = None) -> Btf | Miss:
        self.read.append("types")
        return kernel() if self._btf else NO_BTF

    def _symbols(self) -> Kallsyms:
        self.read.append("symbols")
        return Kallsyms(SYMBOLS.encode())
