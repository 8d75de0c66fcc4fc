"""The completions, in each shell that is installed, on a kernel that is a directory."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.unable import unable

FOLDER = Path(__file__).parents[3] / "completions"

KALLSYMS = """\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T vfs_read
ffffffff81000100 t vfs_readv
ffffffff81000200 t __pfx_vfs_read
ffffffff81000300 D vfs_read_data
ffffffff81000400 W weak.isra.0
ffffffff81000500 t odd$name
ffffffffc0000000 t ext4_file_open\t[ext4]
ffffffffc0000100 t ext4_file_mmap\t[ext4]
"""
DYNAMIC = """\
p:kprobes/opens do_sys_openat2 a=%di
r16:kprobes/opens__return do_sys_openat2
p:mine/reads vfs_read
p:ktrace_7_8_4026531836/opensown do_sys_openat2
s:synthetic/lat u64 d
"""
AVAILABLE = "sched:sched_switch\nsched:sched_wakeup\nirq:irq_handler_entry\n"


@pytest.fixture
def env(tmp_path):
    """An environment in which Python and ktrace cannot be started unseen."""
    tracing = tmp_path / "tracing"
    tracing.mkdir()
    (tracing / "dynamic_events").write_text(DYNAMIC)
    (tracing / "available_events").write_text(AVAILABLE)
    (tracing / "trace_clock").write_text("[local] global mono\n")
    (tmp_path / "kallsyms").write_text(KALLSYMS)
    (tmp_path / "modules").write_text("ext4 1 0 - Live 0x0\n")
    (tracing / "instances" / "ktrace_182_1406").mkdir(parents=True)
    traps = tmp_path / "traps"
    traps.mkdir()
    for name in ("python", "python3", "ktrace", "perl"):
        (traps / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/started\nexit 1\n")
        (traps / name).chmod(0o755)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "probes.txt").write_text("")
    (folder / "sub").mkdir()
    (tmp_path / "home").mkdir()
    yield {
        "PATH": f"{traps}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "PWD": str(folder),
        "KTRACE_TRACING": str(tracing),
        "KTRACE_KALLSYMS": str(tmp_path / "kallsyms"),
        "KTRACE_MODULES": str(tmp_path / "modules"),
    }
    assert not (tmp_path / "started").exists()


def run(argv, env):
    if shutil.which(argv[0]) is None:
        unable(f"{argv[0]} is not installed")
    done = subprocess.run(argv, env=env, cwd=env["PWD"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def bash(line, env):
    """Return COMPREPLY for `line`, broken into COMP_WORDS as bash does, at blanks, : and =."""
    words = re.findall(r"[:=]+|[^\s:=]+", line)
    if line[-1] in " :=":
        words.append("")
    script = (
        'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        '_ktrace; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return run(["bash", "--norc", "-c", script, "bash", str(FOLDER / "ktrace.bash"), line, *words], env)


def zsh(line, env):
    """Return what is passed to compadd; _files and similar functions print their names."""
    words = line.split(" ")
    script = """
        compdef() { : }; compset() { : }; _files() { print -r -- "<files $*>" }
        _command_names() { print -r -- "<command>" }
        compadd() { print -rl -- "${(@P)@[-1]}" }
        source $1; shift; words=("$@"); CURRENT=$#; PREFIX=$words[CURRENT]; _ktrace
    """
    return run(["zsh", "-f", "-c", script, "zsh", str(FOLDER / "_ktrace"), *words], env)


def fish(line, env):
    """Return what fish itself offers for the line, without descriptions."""
    words = ["source $argv[1]; complete -C $argv[2]", str(FOLDER / "ktrace.fish"), line]
    return [row.split("\t")[0] for row in run(["fish", "--no-config", "-c", *words], env)]


@pytest.fixture(params=(bash, zsh, fish))
def shell(request, env):
    return lambda line: request.param(line, env)


def generator():
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FORMAT = """\
name: sched_switch
ID: 1
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;
\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;
\tfield:struct file * prev_file;\toffset:28;\tsize:8;\tsigned:0;

print fmt: ""
"""


@pytest.fixture
def events(env):
    """Formats of events: in the tracing directory, and in a recording."""
    for event in ("sched/sched_switch", "kprobes/opens"):
        folder = Path(env["KTRACE_TRACING"]) / "events" / event
        folder.mkdir(parents=True)
        (folder / "format").write_text(FORMAT)
    wakeup = FORMAT.replace("sched_switch", "sched_wakeup").replace("prev_pid", "target_cpu")
    data = b"\x17\x08\x44tracing6\x00" + FORMAT.encode() + b"\x00\xff" + wakeup.encode() + bytes(5000)
    (Path(env["PWD"]) / "trace.dat").write_bytes(data)


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("ktrace hist sched/sched_switch prev_", ["prev_comm", "prev_file", "prev_pid"]),
        ("ktrace hist kprobes/opens prev_c", ["prev_comm"]),
        ("ktrace trace opens --filter prev_p", ["prev_pid"]),
        ("ktrace count opens --by prev_p", ["prev_pid"]),
        ("ktrace count opens --by com", ["comm"]),
        ("ktrace count nothing --by prev", []),
        ("ktrace count ../x --filter prev", []),
        ("ktrace sql trace.dat sched_", ["sched_switch", "sched_wakeup"]),
        ("ktrace sql trace.dat prev_", ["prev_comm", "prev_file", "prev_pid"]),
        ("ktrace sql trace.dat target", ["target_cpu"]),
        ("ktrace sql trace.dat eve", ["event", "events"]),
        ("ktrace sql trace.dat common", []),
        ("ktrace report trace.dat --event sched_w", ["sched_wakeup"]),
        ("ktrace top op", ["opens", "opens__return"]),
        ("ktrace graph vfs_readv", ["vfs_readv"]),
        ("ktrace graph vfs_read --hide vfs_readv", ["vfs_readv"]),
    ],
)
def test_fields_tables_and_columns(shell, line, wanted):
    assert sorted(shell(line)) == wanted


@pytest.mark.usefixtures("events")
def test_the_words_of_a_query_before_the_last_stay(env):
    line = ["sql", "trace.dat", "select prev_comm, count(*) from sched_s"]
    found = run(["sh", "-c", generator().engine(), "ktrace", *line], env)
    assert [row.split("\t")[0] for row in found] == ["-", "select prev_comm, count(*) from sched_switch"]
    found = run(["sh", "-c", generator().engine(), "ktrace", "count", "opens", "--by", "comm,prev_p"], env)
    assert [row.split("\t")[0] for row in found] == ["-", "comm,prev_pid"]


def test_not_stale():
    assert generator().stale() == [], "run: python completions/generate.py"


def test_every_command_and_every_option_is_offered(shell):
    for command in generator().read_commands():
        assert command.name in shell("ktrace ")
        offered = shell(f"ktrace {command.name} -")
        missing = {s for option in command.options for s in option.spellings} - set(offered)
        # fish shows short options only when asked with one dash, which is what was asked
        assert missing == set(), command.name


def test_each_word_and_each_value_is_of_some_kind():
    made = generator()
    unlisted = {command.name for command in made.read_commands() if command.words == "nothing"}
    assert unlisted == {"type", "doctor", "config", "clean", "version"}
    for command, words in zip(made.COMMANDS, made.read_commands(), strict=True):
        metavars = {tuple(one.opts): one.metavar for one in made.parser_of(command).params}
        for option in words.options:
            if option.value == "nothing":
                assert metavars[option.spellings] in made.FREE, (command.name, option.spellings)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("ktrace do", ["doctor"]),
        ("ktrace add vfs_r", ["vfs_read", "vfs_readv"]),
        ("ktrace add weak.", ["weak.isra.0"]),
        ("ktrace add weakX", []),
        ("ktrace add vfs_read%", ["vfs_read%return"]),
        ("ktrace add vfs_read%re", ["vfs_read%return"]),
        ("ktrace add vfs_read+", []),
        ("ktrace add nothing_like_it", []),
        ("ktrace add vfs_read , vfs_readv", ["vfs_readv"]),
        ("ktrace add --name x vfs_readv", ["vfs_readv"]),
        ("ktrace add __", []),
        ("ktrace add __pfx", ["__pfx_vfs_read"]),
        ("ktrace add ext4:vfs_r", []),
        ("ktrace enable open", ["opens", "opens__return"]),
        ("ktrace remove mine/", ["mine/reads"]),
        ("ktrace show reads", ["reads"]),
        ("ktrace show x ", []),
        ("ktrace list --format de", ["debugfs"]),
        ("ktrace switch o", ["off", "on"]),
        ("ktrace trace --clock g", ["global"]),
        ("ktrace add --group m", ["mine"]),
        ("ktrace version x", []),
        ("ktrace trace -d 50", ["50h", "50m", "50ms", "50ns", "50s", "50us"]),
        ("ktrace trace -d 1.5m", ["1.5m", "1.5ms"]),
        ("ktrace trace -d x", []),
        ("ktrace record --max-size 2", ["2G", "2M", "2k"]),
        ("ktrace funcs -m ex", ["ext4"]),
        ("ktrace clean --force ktrace_1", ["ktrace_182_1406"]),
        ("ktrace examples dele", ["deletes"]),
        ("ktrace trace --verbose vfs_readv", ["vfs_readv"]),
        ("ktrace report --time ut", ["utc"]),
        ("ktrace nonsense x", []),
    ],
)
def test_candidates(shell, line, wanted):
    assert sorted(shell(line)) == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("ktrace add ext4:ext4_file_o", "ext4:ext4_file_open"),
        ("ktrace trace sched:sched_w", "sched:sched_wakeup"),
        ("ktrace show irq:", "irq:irq_handler_entry"),
        ("ktrace enable mine:r", "mine:reads"),
        ("ktrace list --format=de", "--format=debugfs"),
    ],
)
def test_words_with_a_colon_or_an_equals_sign(shell, line, wanted, request):
    """bash replaces only what follows the last break: there the beginning is left out."""
    breaks = "bash" in request.node.name
    assert shell(line) == [re.split("[:=]", wanted)[-1] if breaks else wanted]


def test_a_system_and_a_module_are_offered_with_their_colon(shell):
    assert shell("ktrace trace sche") == ["sched:"]
    assert sorted(shell("ktrace add ext4")) == ["ext4:", "ext4_file_mmap", "ext4_file_open"]


def test_arguments_follow_a_place(shell, request):
    offered = shell("ktrace add vfs_read ")
    dollar = "\\$" if "bash" in request.node.name else "$"
    assert {f"{dollar}arg1", f"{dollar}retval", ","} <= set(offered)
    assert "vfs_read" not in offered
    if os.uname().machine == "x86_64":
        before = "" if "bash" in request.node.name else "n="
        assert shell("ktrace add vfs_read n=%d") == [f"{before}%di", f"{before}%dx"]


def test_a_dollar_is_escaped_but_not_within_single_quotes(env):
    assert bash("ktrace add vfs_read a=$re", env) == ["\\$retval"]
    assert bash("ktrace add vfs_read 'a=$re", env) == ["a=$retval"]


def test_trace_offers_probes_events_and_functions(shell):
    assert sorted(shell("ktrace trace op")) == ["opens", "opens__return"]
    assert "vfs_read" in shell("ktrace trace vfs")


def test_a_sessions_own_probe_is_offered_by_its_whole_name(shell):
    assert shell("ktrace show ktrace_7") == ["ktrace_7_8_4026531836/opensown"]
    assert "opensown" not in "".join(shell("ktrace show o"))


def test_series_of_the_virtual_machine(shell):
    assert {"6.1", "6.12"} <= set(shell("ktrace vm --kernel 6"))


def test_options_of_the_guests_command_are_its_own(shell):
    assert "--kernel" in shell("ktrace vm --k")
    assert "--kernel" not in shell("ktrace vm ls --k")
    assert "--kernel" not in shell("ktrace vm -- --k")


def test_files(env):
    assert bash("ktrace add --from pro", env) == ["probes.txt"]
    assert bash("ktrace vm --share ", env) == ["sub"]


def test_files_are_left_to_zsh(env):
    assert zsh("ktrace add --from pro", env) == ["<files >"]
    assert zsh("ktrace vm --share ", env) == ["<files -/>"]


def test_files_are_left_to_fish(env):
    assert fish("ktrace add --from pro", env) == ["probes.txt"]
    assert fish("ktrace vm --share ", env) == ["sub/"]


def test_functions_that_ftrace_knows_come_first_where_they_can_be_read(env):
    listed = Path(env["KTRACE_TRACING"], "available_filter_functions")
    listed.write_text("vfs_rename\next4_file_open [ext4]\n")
    assert bash("ktrace add vfs_", env) == ["vfs_rename"]
    assert bash("ktrace add ext4:ext4_f", env) == ["ext4_file_open"]
    listed.write_text("")  # lockdown: the file exists, but is empty
    assert sorted(bash("ktrace add vfs_", env)) == ["vfs_read", "vfs_readv"]


def test_not_more_than_can_be_read(env):
    lines = "".join(f"ffffffff81{i:06x} t many_{i}\n" for i in range(2000))
    Path(env["KTRACE_KALLSYMS"]).write_text(lines)
    assert len(bash("ktrace add many_", env)) == 300


def test_what_is_typed_is_no_pattern_and_no_command(env, tmp_path):
    for typed in ("v.s_read", "vfs_*", "[v]fs", f"$(touch${{IFS}}{tmp_path}/owned)", "`id`", "a;b", "-e"):
        bash(f"ktrace add {typed}", env)
        assert bash(f"ktrace trace {typed}", env) == [] or typed == "-e"
    assert not (tmp_path / "owned").exists()


def test_a_kernel_without_dynamic_events_has_kprobe_events(env):
    tracing = Path(env["KTRACE_TRACING"])
    (tracing / "dynamic_events").rename(tracing / "kprobe_events")
    assert bash("ktrace enable rea", env) == ["reads"]


def test_nothing_readable_is_no_error(env):
    shutil.rmtree(env["KTRACE_TRACING"])
    Path(env["KTRACE_KALLSYMS"]).unlink()
    Path(env["KTRACE_MODULES"]).unlink()
    for line in ("add vfs", "enable x", "trace vfs", "trace --clock ", "add --group x", "show s:"):
        assert bash(f"ktrace {line}", env) == []
