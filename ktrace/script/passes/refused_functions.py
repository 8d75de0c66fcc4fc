"""Functions of SystemTap that ktrace does not support, with the reason."""

_REASONS = {
    "the place of the probe in the code is not recorded: ppfunc() names its function": """
        caller_addr
    """,
    "whether an address is the kernel's is not known before: kernel_string or user_string reads it": """
        kernel_or_user_string_quoted
    """,
    "a script is not a module of the kernel, and it runs on one machine": """
        module_size remote_id remote_uri
    """,
    "probes have no labels or types here: pp() is the probe point": """
        pnlabel probe_type
    """,
    "the set of processes is not kept: target_set_pid(pid()) tests one": """
        target_set_report
    """,
    "nothing is written to the kernel or to programs": (
        """
        set_int_arg set_uint_arg set_long_arg set_ulong_arg set_longlong_arg set_ulonglong_arg
        set_pointer_arg set_s32_arg set_u32_arg set_s64_arg set_u64_arg set_kernel_char
        set_kernel_short set_kernel_int set_kernel_long set_kernel_pointer set_kernel_string
        set_kernel_string_n set_user_char set_user_short set_user_int set_user_long
        set_user_pointer set_user_string set_user_string_n set_user_string_arg printk
        """
    ),
    "a read that fails cannot be told from 0 later: the function without _error or _warn reads it": (
        """
        kernel_buffer_quoted_error user_buffer_quoted_error user_char_error user_char_warn
        user_short_error user_short_warn user_ushort_error user_ushort_warn user_int_error
        user_int_warn user_long_error user_long_warn user_ulong_error user_ulong_warn
        user_int8_error user_uint8_error user_int16_error user_uint16_error user_int32_error
        user_uint32_error user_int64_error user_uint64_error
        """
    ),
    "a probe reads text of bytes, not of UTF-16 or UTF-32": (
        """
        kernel_string_utf16 kernel_string_utf32 kernel_string_quoted_utf16
        kernel_string_quoted_utf32 kernel_or_user_string_quoted_utf16
        kernel_or_user_string_quoted_utf32 user_string_utf16 user_string_utf32
        user_string_quoted_utf16 user_string_quoted_utf32
        """
    ),
    "a path is read of a file: d_name($file), or of one entry: kernel_string($dentry->d_name->name)": (
        """
        inode_name inode_path reverse_path_walk real_mount fullpath_struct_path
        fullpath_struct_nameidata task_dentry_path
        """
    ),
    "the header's place is a sum of two values: in functions of IP, $skb->data is that of IP": (
        """
        __get_skb_iphdr __get_skb_tcphdr
        """
    ),
    "which addresses are those of this machine is not known at the probe": (
        """
        ipmib_local_addr ipmib_remote_addr ipmib_tcp_local_port ipmib_tcp_remote_port
        """
    ),
    "the kernel's stack pointer is not read": (
        """
        stack_size stack_used stack_unused
        """
    ),
    "ids are those of the first namespace: pid(), tid(), uid() and the like": (
        """
        ns_pid ns_tid ns_ppid ns_pgrp ns_sid ns_uid ns_euid ns_gid ns_egid task_ns_pid
        task_ns_tid task_ns_uid task_ns_euid task_ns_gid task_ns_egid
        """
    ),
}

REFUSED_FUNCTIONS = {name: reason for reason, names in _REASONS.items() for name in names.split()}
"""The reason for each function."""
