import itertools

from ktrace.model.near import close_to


def test_the_closest_first():
    names = ["vfs_readv", "vfs_write", "vfs_read", "", "vfs_read"]
    assert close_to("vfs_raed", names) == ["vfs_read", "vfs_readv", "vfs_write"]
    assert close_to("vfs_raed", names, 1) == ["vfs_read"]
    assert close_to("zzz", names) == close_to("zzz", []) == []


def test_another_case_is_the_closest():
    assert close_to("FILE", ["filp", "file"]) == ["file"]


def test_of_many_those_that_begin_or_end_alike():
    many = [f"unlike_{n}" for n in range(3000)] + ["vfs_read", "xvfs_read"]
    assert close_to("vfs_raed", [*many, "vfs_readv"]) == ["vfs_read", "vfs_readv"]


def test_one_slip_of_the_fingers_is_closest():
    names = ["field_t", "fields", "file", "fiemap"]
    for slip in ("fiel", "filee", "fle", "fule", "fil"):
        assert close_to(slip, names)[0] == "file", slip
    many = [f"unlike_{n}" for n in range(3000)]
    assert close_to("fiel", [*many, "file", "field_t"]) == ["file", "field_t"]
    assert close_to("abcd", ["badc"], cutoff=0.9) == []  # two slips


def test_a_search_without_end_ends():
    endless = (f"vfs_{n}" for n in itertools.count())
    assert len(close_to("vfs_1", endless, 2, seconds=0.01)) <= 2
    assert close_to("x" * 100_000, ["x" * 100_000 + "y"], seconds=0.01)


def test_a_beginning_and_an_abbreviation():
    names = ["f_path", "f_pos", "f_mode", "tcp_v4_do_rcv", "tcp_recvmsg_locked", "x_f_path"]
    assert close_to("tcp_recv", names)[0] == "tcp_recvmsg_locked"
    assert close_to("fpth", names)[0] == close_to("fpath", names)[0] == "f_path"
    assert close_to("tvrcv", names) == ["tcp_v4_do_rcv"]
    assert close_to("f_", ["f_path"]) == []  # nearly everything has so few characters
    assert close_to("vrd", ["kvrd_a_long_name"]) == []  # an abbreviation begins like its name
