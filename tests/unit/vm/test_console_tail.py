from ktrace.vm import console_tail as last_words

PANIC = [
    "[1] BUG: unable to handle page fault",
    "[1] RIP: 0010:f+0x1",
    "[2] Kernel panic - not syncing: Fatal exception",
]


def test_a_panic_gives_its_reason_and_what_led_to_it():
    text = last_words.message("ended", [], ["[0] starting", *PANIC, "[2] Rebooting"])
    assert text.startswith("the guest panicked (Fatal exception); its last words:\n  | [1] BUG")
    assert "starting" not in text
    assert text.endswith("  | [2] Rebooting")


def test_a_long_story_keeps_beginning_and_end():
    lines = [*PANIC, *(f"line {n}" for n in range(100))]
    text = last_words.message("ended", [], lines)
    assert PANIC[0] in text
    assert "line 99" in text
    assert "  | ...\n" in text
    assert text.count("\n") == last_words.LINES + 1


def test_without_trouble_the_last_lines():
    text = last_words.message("hung", ["qemu: no memory"], [f"line {n}" for n in range(100)])
    assert text.startswith("the guest hung; its last words:\n  | qemu: no memory\n  | line 76\n")


def test_silence():
    assert last_words.message("hung", [], []) == "the guest hung"


def test_the_end_of_virtiofsd_is_no_news():
    assert last_words.message("hung", ["virtio_loop: Unexpected poll revents 11"], []) == "the guest hung"
