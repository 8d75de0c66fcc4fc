import gzip

from ktrace.doctor.kconfig import config_facts, find_config, parse_config

RELEASE = "6.12.0-test"
ALL_OPTIONS = (
    "KPROBES",
    "KPROBE_EVENTS",
    "FPROBE_EVENTS",
    "HIST_TRIGGERS",
    "SYNTH_EVENTS",
    "DEBUG_INFO_BTF",
    "KALLSYMS_ALL",
)


def statuses(machine):
    return {f.name: f.status for f in config_facts(find_config(machine))}


def test_lines_of_a_configuration():
    text = (
        '#\n# Linux/x86 6.12\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x y"\nCONFIG_D=m\n# CONFIG_E may\n'
    )
    assert parse_config(text) == {"A": "y", "B": "n", "C": '"x y"', "D": "m"}


def test_the_running_kernels_own_configuration_comes_first(tree):
    tree.write("/proc/config.gz", gzip.compress(b"CONFIG_KPROBES=y\n"))
    config = find_config(tree.machine())
    assert (config.source, config.get("KPROBE_EVENTS")) == ("/proc/config.gz", "n")


def test_a_damaged_one_is_passed_over(tree):
    for data in (b"no gzip", gzip.compress(b"CONFIG_KPROBES=y\n")[:-4], b""):
        tree.write("/proc/config.gz", data)
        assert find_config(tree.machine()).source == f"/boot/config-{RELEASE}"


def test_the_modules_folder_is_the_last_place(tree):
    tree.remove(f"/boot/config-{RELEASE}")
    tree.write(f"/lib/modules/{RELEASE}/config", "# CONFIG_KPROBES is not set\n")
    config = find_config(tree.machine())
    assert (config.source, config.get("KPROBES")) == (f"/lib/modules/{RELEASE}/config", "n")


def test_all_there(tree):
    assert set(statuses(tree.machine()).values()) == {"ok"}


def test_what_is_missing_and_how_bad_that_is(tree):
    tree.write(f"/boot/config-{RELEASE}", "CONFIG_MODULES=y\n# CONFIG_KPROBES is not set\n")
    found = statuses(tree.machine())
    assert found.pop("config") == "ok"
    assert {name for name, status in found.items() if status == "bad"} == {
        "CONFIG_KPROBES",
        "CONFIG_KPROBE_EVENTS",
    }
    assert {status for name, status in found.items() if "KPROBE" not in name} == {"warn"}
    for fact in config_facts(find_config(tree.machine()))[1:]:
        assert f"{fact.name}=y" in fact.advice
        assert ("ktrace vm" in fact.advice) == (fact.status == "bad")


def test_without_a_configuration_the_kernels_files_tell(tree):
    tree.remove(f"/boot/config-{RELEASE}")
    lines = "".join(f"ffffffff82{i:06x} D data_{i}\n" for i in range(1001))
    tree.write("/proc/kallsyms", "ffffffff81000000 T _text\n" + lines)
    config = find_config(tree.machine())
    assert config.inferred
    assert config.values == dict.fromkeys(ALL_OPTIONS, "y")
    assert {f.value for f in config_facts(config)[1:]} == {"y (inferred)"}


def test_what_the_files_lack_is_inferred_to_be_missing(tree):
    tree.remove(f"/boot/config-{RELEASE}")
    tree.remove("/sys/kernel/tracing/synthetic_events")
    tree.remove("/sys/kernel/btf/vmlinux")
    tree.write("/sys/kernel/tracing/README", "tracing mini-HOWTO:\n")
    config = find_config(tree.machine())
    assert {name for name, value in config.values.items() if value == "n"} == {
        "FPROBE_EVENTS",
        "HIST_TRIGGERS",
        "SYNTH_EVENTS",
        "DEBUG_INFO_BTF",
        "KALLSYMS_ALL",
    }


def test_no_kprobes_seen_in_debugfs(tree):
    tree.remove(f"/boot/config-{RELEASE}")
    tree.remove("/proc/sys/debug/kprobes-optimization")
    tree.remove("/sys/kernel/tracing/kprobe_events")
    assert find_config(tree.machine()).get("KPROBES") == "y"
    for name in ("enabled", "list", "blacklist"):
        tree.remove(f"/sys/kernel/debug/kprobes/{name}")
    (tree.root / "sys/kernel/debug/kprobes").rmdir()
    assert find_config(tree.machine()).get("KPROBES") == "n"


def test_nothing_to_infer_from_is_unknown_and_not_missing(bare):
    assert set(statuses(bare.machine()).values()) == {"unknown"}
