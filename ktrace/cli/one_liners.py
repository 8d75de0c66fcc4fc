"""Questions that people have about a running kernel, and the command line that answers each.

`ktrace examples` shows them. tests/kernel/test_one_liners.py runs them on real kernels, with a load that
makes the answers happen, and says why it leaves some out.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OneLiner:
    """A question and its answer.

    Attributes:
        question: what somebody wants to know.
        command: the command line, without a shell's prompt.
        words: further words that people search by.
    """

    question: str
    command: str
    words: str = ""

    def matches(self, words: list[str]) -> bool:
        """Return whether every word is in the question, the command or the further words."""
        return all(word.lower() in self.text for word in words)

    @property
    def text(self) -> str:
        """Return all that can be searched, in lower case."""
        return f"{self.question} {self.command} {self.words}".lower()


_WORD = re.compile(r"[a-z][a-z_]{2,}")


ONE_LINERS = (
    OneLiner(
        "Who starts programs, and which?", "ktrace trace sched:sched_process_exec", "exec start process"
    ),
    OneLiner("Which programs fork most?", "ktrace count do_fork --by comm -d 10s", "clone process"),
    OneLiner("Who deletes files?", "ktrace trace vfs_unlink 'file=dentry->d_name.name:string'", "remove rm"),
    OneLiner("Which files does a command open?", "ktrace trace openat filename:ustring -- ls -l", "open"),
    OneLiner("Which files does it read, and how much?", "ktrace trace vfs_read file:path count -- ls -l"),
    OneLiner(
        "Which opens fail, for whom, and with which error?",
        "ktrace count -r do_sys_openat2 --by comm,'$retval' --filter 'ret < 0' -d 10s",
        "errno ENOENT",
    ),
    OneLiner("How large are reads?", "ktrace hist vfs_read count -d 10s", "size distribution"),
    OneLiner("Who writes most often?", "ktrace count vfs_write --by comm -d 10s", "busy disk"),
    OneLiner(
        "Which reads take longer than 10 ms, and whose are they?",
        "ktrace latency vfs_read --above 10ms -d 10s",
        "slow",
    ),
    OneLiner("How long do reads take?", "ktrace latency vfs_read -d 10s", "slow distribution"),
    OneLiner("Which paths lead to a write?", "ktrace stack vfs_write -d 10s --svg writes.svg", "flame graph"),
    OneLiner("What does the kernel do in one read?", "ktrace graph vfs_read -n 1 --depth 5", "call tree"),
    OneLiner("Who sends signals, which, and to whom?", "ktrace trace signal:signal_generate", "kill"),
    OneLiner(
        "Which system calls are made most?", "ktrace count raw_syscalls:sys_enter --by id.syscall -d 10s"
    ),
    OneLiner(
        "Which system calls does a command make?", "ktrace trace 'syscalls:sys_enter_*' -- ls", "strace"
    ),
    OneLiner("Who connects by TCP?", "ktrace trace tcp_v4_connect -d 10s", "network"),
    OneLiner(
        "How large are UDP packets that programs send?",
        "ktrace hist udp_sendmsg len -d 10s",
        "network port 53",
    ),
    OneLiner("Who drops packets, and why?", "ktrace count skb:kfree_skb --by reason -d 10s", "network"),
    OneLiner("Which task runs when on each CPU?", "ktrace trace sched:sched_switch -d 1s", "schedule"),
    OneLiner(
        "How long do tasks wait for a CPU?",
        "ktrace latency sched:sched_wakeup sched:sched_switch --on pid=next_pid -d 10s",
        "run queue schedule",
    ),
    OneLiner("What is hit most often right now?", "ktrace top 'vfs_*'", "live"),
    OneLiner("Which functions of a module are called?", "ktrace count 'ext4:ext4_*' -d 10s", "driver"),
    OneLiner(
        "How large are the kernel's allocations?", "ktrace hist kmem:kmalloc bytes_req -d 10s", "memory"
    ),
    OneLiner(
        "Which block requests go to which disk?", "ktrace trace block:block_rq_issue -d 10s", "I/O size"
    ),
    OneLiner(
        "Record now, look later", "ktrace record -o io.dat vfs_read file:path count -d 10s", "trace.dat"
    ),
    OneLiner(
        "Ask a recording in SQL",
        "ktrace sql io.dat 'select comm, sum(count) from vfs_read group by comm'",
        "analyse table",
    ),
    OneLiner("See a recording as a timeline", "ktrace report io.dat --perfetto io.pftrace", "perfetto"),
    OneLiner("Run a SystemTap script", "ktrace run -e 'probe vfs.read { println(execname()) }' -T 10s"),
    OneLiner("Add a probe that stays", "ktrace add vfs_read count", "define"),
    OneLiner("Arguments of a function, and where they are", "ktrace vars vfs_read", "parameters"),
    OneLiner("Members of a struct", "ktrace type 'struct file'", "offset"),
    OneLiner("Try it in another kernel", "ktrace vm --kernel 6.1 -- ktrace trace do_fork -- true", "qemu"),
)


def words_near(words: list[str]) -> list[str]:
    """Return words of examples that are close to those of `words` that no example has."""
    from ktrace.model.near import close_to

    known = {word for one in ONE_LINERS for word in _WORD.findall(one.text)}
    missing = [word.lower() for word in words if not any(one.matches([word]) for one in ONE_LINERS)]
    return [found for word in missing for found in close_to(word, sorted(known), 2)]
