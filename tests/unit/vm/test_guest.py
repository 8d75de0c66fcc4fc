import signal
import socket
import threading

import pytest

from ktrace.errors import VmError
from ktrace.vm.guest import Deadlines, Guest, Wires
from ktrace.vm.host_side import HostSide

END = b"\xffend\n"
SOON = Deadlines(20, 20)


class Rig:
    """A Guest whose other side is played by the test: a shell holds no descriptor of it."""

    def __init__(self):
        self.host = HostSide()
        self.near, self.far = {}, {}
        for name in ("control", "console", "stdin", "stdout", "stderr"):
            self.near[name], self.far[name] = socket.socketpair()
            self.far[name].settimeout(10)
        self.caught, self.signals = socket.socketpair()
        kill = self.host.kill

        def kill_all():
            kill()
            for one in self.far.values():
                one.close()

        self.host.kill = kill_all
        self.host.start(["true"])
        self.guest = Guest(self.host, Wires(**self.near, end=END, on_tty=False), self.caught)

    def play(self, act):
        self.thread = threading.Thread(target=act)
        self.thread.start()

    def say(self, line: str):
        self.far["control"].sendall(line.encode() + b"\n")

    def hear(self) -> str:
        return self.far["control"].recv(100).decode()

    def end_outputs(self):
        self.far["stdout"].sendall(END)
        self.far["stderr"].sendall(END)

    def close(self):
        self.thread.join()
        self.host.__exit__(None, None, None)
        for one in (*self.near.values(), *self.far.values(), self.caught, self.signals):
            one.close()


@pytest.fixture
def rig():
    made = Rig()
    made.play(lambda: None)
    yield made
    made.close()


def test_status_and_output(rig, capfd):
    def act():
        rig.say("ready")
        rig.far["stdout"].sendall(b"some")
        rig.say("exit 42")
        rig.far["stdout"].sendall(b" output")
        rig.far["stderr"].sendall(b"complaint")
        rig.end_outputs()

    rig.play(act)
    assert rig.guest.follow(SOON) == 42
    assert capfd.readouterr() == ("some output", "complaint")


def test_the_status_waits_for_the_output(rig):
    done = []

    def act():
        rig.say("ready")
        rig.say("exit 0")
        rig.far["stderr"].sendall(END)
        threading.Event().wait(0.3)
        done.append(True)
        rig.far["stdout"].sendall(END)

    rig.play(act)
    assert rig.guest.follow(SOON) == 0
    assert done == [True]


def test_a_guest_that_just_ends(rig):
    def act():
        rig.say("ready")
        rig.far["console"].sendall(b"[1] Kernel panic - not syncing: why not\r\n")
        for one in rig.far.values():
            one.close()

    rig.play(act)
    with pytest.raises(VmError, match=r"panicked \(why not\)"):
        rig.guest.follow(SOON)


def test_a_guest_that_says_why(rig):
    rig.play(lambda: rig.say("fail no root"))
    with pytest.raises(VmError, match="could not be set up: no root"):
        rig.guest.follow(SOON)


def test_no_boot(rig):
    with pytest.raises(VmError, match=r"did not start its command within 0\.2 s"):
        rig.guest.follow(Deadlines(0.2, None))


def test_the_boot_deadline_ends_with_the_boot(rig):
    def act():
        rig.say("ready")
        threading.Event().wait(0.5)
        rig.say("exit 3")
        rig.end_outputs()

    rig.play(act)
    assert rig.guest.follow(Deadlines(0.2, 20)) == 3


def test_no_end(rig):
    rig.play(lambda: rig.say("ready"))
    with pytest.raises(VmError, match=r"did not finish within 0\.4 s"):
        rig.guest.follow(Deadlines(20, 0.4))


def test_the_first_interrupt_is_the_commands(rig):
    heard = []

    def act():
        rig.say("ready")
        rig.far["stdin"].recv(1)  # its end: by then `ready` was heard
        rig.signals.send(bytes([signal.SIGINT]))
        heard.append(rig.hear())
        rig.say("exit 130")
        rig.end_outputs()

    rig.play(act)
    assert rig.guest.follow(SOON) == 130
    assert heard == ["signal INT\n"]


def test_the_second_interrupt_ends_the_guest(rig):
    def act():
        rig.say("ready")
        rig.far["stdin"].recv(1)
        rig.signals.send(bytes([signal.SIGINT]))
        rig.hear()
        rig.signals.send(bytes([signal.SIGINT]))

    rig.play(act)
    assert rig.guest.follow(SOON) == 130


def test_an_interrupt_while_booting_ends_the_guest(rig):
    rig.play(lambda: rig.signals.send(bytes([signal.SIGINT])))
    assert rig.guest.follow(SOON) == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end(rig, number):
    rig.play(lambda: rig.signals.send(bytes([number])))
    assert rig.guest.follow(SOON) == 128 + number


def test_a_change_of_window_is_nothing_without_a_terminal(rig):
    def act():
        rig.say("ready")
        rig.far["stdin"].recv(1)
        rig.signals.send(bytes([signal.SIGWINCH]))
        rig.say("exit 0")
        rig.end_outputs()

    rig.play(act)
    assert rig.guest.follow(SOON) == 0
