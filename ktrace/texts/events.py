"""The text of the events that people print most, as templates: see `ktrace.texts.template`.

Fields have the names of the event's format. If an event's text changed, or trace-cmd prints its own, there
are several templates; the first that reads a text to its end is taken.
"""

from ktrace.texts.template import Template

_TASK = "comm={comm} pid={pid:d} prio={prio:d}"
_WAKE = (
    f"{_TASK} target_cpu={{target_cpu:d}}",
    f"{_TASK} success={{success:d}} target_cpu={{target_cpu:d}}",
    "{comm}:{pid:d} [{prio:d}] success={success:d} CPU:{target_cpu:d}",
    "{comm}:{pid:d} [{prio:d}] CPU:{target_cpu:d}",
    "{comm}:{pid:d} [{prio:d}]",
)
_BLOCK = ("{dev} {rwbs:w} {bytes:d} ({cmd}) {sector:d} + {nr_sector:d} {:s}[{comm}]",
          "{dev} {rwbs:w} ({cmd}) {sector:d} + {nr_sector:d} {:s}[{error:d}]",
          "{dev} {rwbs:w} {sector:d} + {nr_sector:d} [{comm}]")  # fmt: skip
_STAT = ("comm={comm} pid={pid:d} delay={delay:d} [ns]",)
_KMALLOC = (
    "call_site={call_site} ptr={ptr:x} bytes_req={bytes_req:d} bytes_alloc={bytes_alloc:d} "
    "gfp_flags={gfp_flags}",
    "({:s}) call_site={call_site} ptr={ptr:x} bytes_req={bytes_req:d} bytes_alloc={bytes_alloc:d} "
    "gfp_flags={gfp_flags}",
)

_SWITCH = (
    "prev_comm={prev_comm} prev_pid={prev_pid:d} prev_prio={prev_prio:d} prev_state={prev_state:w} ==> "
    "next_comm={next_comm} next_pid={next_pid:d} next_prio={next_prio:d}",
    "prev_comm={prev_comm} prev_pid={prev_pid:d} prev_prio={prev_prio:d} prev_state={prev_state:w} "
    "next_comm={next_comm} next_pid={next_pid:d} next_prio={next_prio:d}",
    "{prev_comm}:{prev_pid:d} [{prev_prio:d}] {prev_state:w} ==> {next_comm}:{next_pid:d} [{next_prio:d}]",
)

_SOFTIRQ = ("vec={vec:d} [action={action:w}]", "vec={vec:d}")

_TEMPLATES: dict[str, tuple[str, ...]] = {
    # trace-cmd report -w adds how long the next task waited.
    "sched_switch": (*_SWITCH, *(f"{form} Latency: {{latency}}" for form in _SWITCH)),
    "sched_wakeup": _WAKE,
    "sched_wakeup_new": _WAKE,
    "sched_waking": _WAKE,
    "sched_migrate_task": (f"{_TASK} orig_cpu={{orig_cpu:d}} dest_cpu={{dest_cpu:d}}",),
    "sched_process_fork": (
        "comm={parent_comm} pid={parent_pid:d} child_comm={child_comm} child_pid={child_pid:d}",
    ),
    "sched_process_exit": (f"{_TASK} group_dead={{group_dead:w}}", _TASK),
    "sched_process_free": (_TASK,),
    "sched_process_wait": (_TASK,),
    "sched_process_exec": ("filename={filename} pid={pid:d} old_pid={old_pid:d}",),
    "sched_stat_runtime": (
        "comm={comm} pid={pid:d} runtime={runtime:d} [ns] vruntime={vruntime:d} [ns]",
        "comm={comm} pid={pid:d} runtime={runtime:d} [ns]",
    ),
    "sched_stat_wait": _STAT,
    "sched_stat_sleep": _STAT,
    "sched_stat_iowait": _STAT,
    "sched_stat_blocked": _STAT,
    "sched_blocked_reason": ("pid={pid:d} iowait={io_wait:d} caller={caller}",),
    "sched_pi_setprio": ("comm={comm} pid={pid:d} oldprio={oldprio:d} newprio={newprio:d}",),
    "task_newtask": ("pid={pid:d} comm={comm} clone_flags={clone_flags:x} oom_score_adj={oom_score_adj:d}",),
    "task_rename": (
        "pid={pid:d} oldcomm={oldcomm} newcomm={newcomm} oom_score_adj={oom_score_adj:d}",
        "oldcomm={oldcomm} newcomm={newcomm} oom_score_adj={oom_score_adj:d}",
    ),
    "irq_handler_entry": ("irq={irq:d} name={name}",),
    "irq_handler_exit": ("irq={irq:d} ret={ret}",),
    "softirq_raise": _SOFTIRQ,
    "softirq_entry": _SOFTIRQ,
    "softirq_exit": _SOFTIRQ,
    "funcgraph_entry": ("func={func} depth={depth:d}", "--> {func} ({depth:d})"),
    "funcgraph_exit": (
        "func={func} depth={depth:d} overrun={overrun:d} calltime={calltime:x} rettime={rettime:x}",
        "<-- {func} ({depth:d}) (start: {calltime:x}  end: {rettime:x}) over: {overrun:d}",
    ),
    "cpu_idle": ("state={state:d} cpu_id={cpu_id:d}",),
    "cpu_frequency": ("state={state:d} cpu_id={cpu_id:d}",),
    "cpu_frequency_limits": ("min={min_freq:d} max={max_freq:d} cpu_id={cpu_id:d}",),
    "clock_set_rate": ("{name} state={state:d} cpu_id={cpu_id:d}",),
    "sys_enter": ("NR {id:d} ({args})",),
    "sys_exit": ("NR {id:d} = {ret:d}",),
    "signal_generate": (
        "sig={sig:d} errno={errno:d} code={code:d} comm={comm} pid={pid:d} grp={group:d} res={result:d}",
    ),
    "signal_deliver": (
        "sig={sig:d} errno={errno:d} code={code:d} sa_handler={sa_handler:x} sa_flags={sa_flags:x}",
    ),
    "workqueue_execute_start": (
        "work struct {work:x}: function {function}",
        "work struct {work}: function {function}",
    ),
    "workqueue_execute_end": ("work struct {work:x}: function {function}", "work struct {work:x}"),
    "workqueue_activate_work": ("work struct {work:x} function={function}", "work struct {work:x}"),
    "hrtimer_cancel": ("hrtimer={hrtimer:x}",),
    "hrtimer_expire_exit": ("hrtimer={hrtimer:x}",),
    "hrtimer_expire_entry": (
        "hrtimer={hrtimer:x} function={function} now={now:d}",
        "hrtimer={hrtimer:x} now={now:d} function={function}",
    ),
    "timer_cancel": ("timer={timer:x}",),
    "timer_expire_exit": ("timer={timer:x}",),
    "timer_expire_entry": (
        "timer={timer:x} function={function} now={now:d} baseclk={baseclk:d}",
        "timer={timer:x} function={function} now={now:d}",
    ),
    "block_rq_issue": _BLOCK,
    "block_rq_insert": _BLOCK,
    "block_rq_complete": _BLOCK,
    "block_bio_queue": _BLOCK,
    "page_fault_user": ("address={address} ip={ip} error_code={error_code:x}",),
    "page_fault_kernel": ("address={address} ip={ip} error_code={error_code:x}",),
    "kmalloc": _KMALLOC,
    "kmem_cache_alloc": _KMALLOC,
    "net_dev_queue": ("dev={name} skbaddr={skbaddr:x} len={len:d}",),
    "netif_receive_skb": ("dev={name} skbaddr={skbaddr:x} len={len:d}",),
    "net_dev_xmit": ("dev={name} skbaddr={skbaddr:x} len={len:d} rc={rc:d}",),
    "binder_transaction": (
        "transaction={debug_id:d} dest_node={target_node:d} dest_proc={to_proc:d} dest_thread={to_thread:d} "
        "reply={reply:d} flags={flags:x} code={code:x}",
    ),
    "binder_transaction_received": ("transaction={debug_id:d}",),
}

_compiled: dict[str, tuple[Template, ...]] = {}


def templates(event: str) -> tuple[Template, ...]:
    """Return the templates of an event; none if they are not known."""
    if event not in _TEMPLATES:
        return ()
    if event not in _compiled:
        _compiled[event] = tuple(map(Template.of, _TEMPLATES[event]))
    return _compiled[event]
