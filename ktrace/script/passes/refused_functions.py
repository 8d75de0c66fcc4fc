"""Functions of SystemTap that ktrace does not support, with the reason."""

_REASONS = {
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
    "probes do not read arrays of a program's memory: user_string_n($p, 64) has its bytes": """
        user_string_utf16 user_string_utf32 user_string2_utf16 user_string2_utf32
        user_string_quoted_utf16 user_string_quoted_utf32
        kernel_or_user_string_quoted_utf16 kernel_or_user_string_quoted_utf32
    """,
    "a probe cannot tell the task's stack from that of an interrupt": """
        stack_size stack_used stack_unused
    """,
    "whether a program is one of 32 bits is not known at a probe": """
        probing_32bit_app uarch_bytes
    """,
    "the kernel keeps a list, not a number": """
        clones_from_clnt tasks_from_clnt
    """,
    "the program's table of versions is read by a variable index: sunrpc.clnt.bind_new_program has vers": """
        vers_from_prog
    """,
    "an address may be of IPv6: addr_from_rqst_str(), and peer_ip of sunrpc.svc.process, are text": """
        addr_from_rqst
    """,
    "no pointer leads from an inode to the NFS client's part of it": """
        NFS_I
    """,
    "its texts are not documented: the number is the kernel's": """
        nfs3_cmode nfs4_ctype ftype sock_flags_num2str tcp_ipv6_sockopt_str
    """,
    "its effect is not documented": """
        qs_time stp_print_binary
    """,
    "the timer is that of the request since Linux 2.6.28": """
        scsi_timer_pending
    """,
    "the kernel is not asked for the current task's files: /proc/PID/exe and cwd are those of pid()": """
        current_exe_file task_cwd_path
    """,
    "pstrace() has the ancestors; the start of each is not known": """
        task_ancestry
    """,
    "sa_handler_str() has the text": """
        sa_handler
    """,
    "the files of programs are named by usymfile() and umodname()": """
        umodaddr umodbuildid
    """,
    "scripts do not run in programs of Python or Java": """
        Py2Object_GetAttr Py2Object_Repr Py3Object_GetAttr Py3Object_Repr python2_get_locals
        python2_get_var_obj python3_get_locals python3_get_var_obj python3_initialize
        python_print_backtrace python_sprint_backtrace print_java_backtrace sprint_java_backtrace
    """,
    "a script changes nothing in the kernel, so it mends nothing": """
        cve_count_metric cve_record_metric cve_tmpdisable
    """,
}

REFUSED_FUNCTIONS = {name: reason for reason, names in _REASONS.items() for name in names.split()}
"""The reason for each function."""
