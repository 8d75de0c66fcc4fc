"""Values of names from the kernel's headers that `print fmt`s use, for recordings without their kernel.

It lists only names whose value has never changed. The types of a running kernel (BTF) take precedence.
"""

CONSTANTS = {
    **{f"TCP_{state}": number for number, state in enumerate(
        ("ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
         "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"), 1)},
    **{f"HRTIMER_MODE_{mode}{pinned}{context}": number + 2 * bool(pinned) + 4 * later
       for number, mode in enumerate(("ABS", "REL"))
       for pinned in ("", "_PINNED")
       for later, context in enumerate(("", "_SOFT", "_HARD"))},
    **{f"FAULT_FLAG_{flag}": 1 << bit for bit, flag in enumerate(
        ("WRITE", "MKWRITE", "ALLOW_RETRY", "RETRY_NOWAIT", "KILLABLE", "TRIED", "USER", "REMOTE",
         "INSTRUCTION", "INTERRUPTIBLE", "UNSHARE", "ORIG_PTE_VALID", "VMA_LOCK"))},
    **{f"VM_FAULT_{flag}": 1 << bit for bit, flag in enumerate(
        ("OOM", "SIGBUS", "MAJOR", "WRITE", "HWPOISON", "HWPOISON_LARGE", "SIGSEGV", "", "NOPAGE", "LOCKED",
         "RETRY", "FALLBACK", "DONE_COW", "NEEDDSYNC", "COMPLETED")) if flag},
    "IOPRIO_CLASS_NONE": 0, "IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3,
    "IOPRIO_CLASS_INVALID": 7,
    **{f"VMSCAN_THROTTLE_{why}": number for number, why in enumerate(
        ("WRITEBACK", "ISOLATED", "NOPROGRESS", "CONGESTED"))},
    **{f"DID_{what}": number for number, what in enumerate(
        ("OK", "NO_CONNECT", "BUS_BUSY", "TIME_OUT", "BAD_TARGET", "ABORT", "PARITY", "ERROR", "RESET",
         "BAD_INTR", "PASSTHROUGH", "SOFT_ERROR", "IMM_RETRY", "REQUEUE", "TRANSPORT_DISRUPTED",
         "TRANSPORT_FAILFAST"))},
    **{f"SCSI_PROT_{what}": number for number, what in enumerate(
        ("NORMAL", "READ_INSERT", "WRITE_STRIP", "READ_STRIP", "WRITE_INSERT", "READ_PASS", "WRITE_PASS"))},
    "SAM_STAT_GOOD": 0, "SAM_STAT_CHECK_CONDITION": 0x02, "SAM_STAT_CONDITION_MET": 0x04,
    "SAM_STAT_BUSY": 0x08, "SAM_STAT_INTERMEDIATE": 0x10, "SAM_STAT_INTERMEDIATE_CONDITION_MET": 0x14,
    "SAM_STAT_RESERVATION_CONFLICT": 0x18, "SAM_STAT_COMMAND_TERMINATED": 0x22,
    "SAM_STAT_TASK_SET_FULL": 0x28, "SAM_STAT_ACA_ACTIVE": 0x30, "SAM_STAT_TASK_ABORTED": 0x40,
    # Kernels before 4.1 have names in place of all values of enums.
    **{f"{softirq}_SOFTIRQ": number for number, softirq in enumerate(
        ("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"))},
    "BLOCK_IOPOLL_SOFTIRQ": 5, "HRTIMER_NORESTART": 0, "HRTIMER_RESTART": 1,
    **{f"MIGRATE_{mode}": number for number, mode in enumerate(("ASYNC", "SYNC_LIGHT", "SYNC"))},
    **{f"MR_{why}": number for number, why in enumerate(
        ("COMPACTION", "MEMORY_FAILURE", "MEMORY_HOTPLUG", "SYSCALL", "MEMPOLICY_MBIND", "NUMA_MISPLACED",
         "CMA"))},
    **{f"WB_REASON_{why}": number for number, why in enumerate(
        ("BACKGROUND", "TRY_TO_FREE_PAGES", "SYNC", "PERIODIC", "LAPTOP_TIMER", "FREE_MORE_MEM",
         "FS_FREE_SPACE", "FORKER_THREAD"))},
    "TLB_FLUSH_ON_TASK_SWITCH": 0, "TLB_REMOTE_SHOOTDOWN": 1, "TLB_LOCAL_SHOOTDOWN": 2,
    "TLB_LOCAL_MM_SHOOTDOWN": 3,
    **{f"PM_QOS_{what}": number for number, what in enumerate(
        ("CPU_DMA_LATENCY", "NETWORK_LATENCY", "NETWORK_THROUGHPUT", "MEMORY_BANDWIDTH"), 1)},
    # An enum since these names are not numbers in the formats.
    **{f"I_{flag}": 1 << bit for bit, flag in enumerate(
        ("NEW", "SYNC", "LRU_ISOLATING", "", "DIRTY_SYNC", "DIRTY_DATASYNC", "DIRTY_PAGES", "WILL_FREE",
         "FREEING", "CLEAR", "REFERENCED", "LINKABLE", "DIRTY_TIME", "WB_SWITCH", "OVL_INUSE", "CREATING",
         "DONTCACHE", "SYNC_QUEUED", "PINNING_NETFS_WB")) if flag},
    "VMA_SHARED_BIT": 3,
    **{f"XEN_LAZY_{mode}": number for number, mode in enumerate(("NONE", "MMU", "CPU"))},
    **{f"XEN_MC_FL_{why}": number for number, why in enumerate(("NONE", "BATCH", "ARGS", "CALLBACK"))},
    **{f"XEN_MC_XE_{what}": number for number, what in enumerate(("OK", "BAD_OP", "NO_SPACE"))},
    "NVME_AER_ERROR": 0, "NVME_AER_SMART": 1, "NVME_AER_NOTICE": 2, "NVME_AER_CSS": 6, "NVME_AER_VS": 7,
    **{f"CACHE_TAG_{what}": number for number, what in enumerate(
        ("IOTLB", "DEVTLB", "NESTING_IOTLB", "NESTING_DEVTLB"))},
    **{f"CXL_POISON_TRACE_{what}": number for number, what in enumerate(("LIST", "INJECT", "CLEAR"))},
    **{f"CXL_EVENT_TYPE_{kind}": number for number, kind in enumerate(("INFO", "WARN", "FAIL", "FATAL"))},
    "false": 0, "true": 1, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17, "NFS4_VERIFIER_SIZE": 8,
    "PM_QOS_ADD_REQ": 0, "PM_QOS_UPDATE_REQ": 1, "PM_QOS_REMOVE_REQ": 2,
    "DEV_PM_QOS_RESUME_LATENCY": 1, "DEV_PM_QOS_FLAGS": 5,
}  # fmt: skip

STRUCTS = {
    "in_addr": 4, "in6_addr": 16, "sockaddr": 16, "sockaddr_in": 16, "sockaddr_in6": 28,
    "sockaddr_storage": 128, "guid_t": 16, "uuid_t": 16, "uuid_le": 16, "uuid_be": 16,
}  # fmt: skip
"""Sizes in bytes of structs that are part of a protocol, so that they are the same on every machine."""
