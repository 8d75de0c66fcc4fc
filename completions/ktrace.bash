# bash completion for ktrace. Made by completions/generate.py: change the templates, not this.
# shellcheck shell=bash

_ktrace_engine='# Prints what can come next: sh -c ENGINE ktrace WORD... where the last WORD is the one being typed.
# The first line says what else may be there (-, files, dirs, command); then CANDIDATE<TAB>WHAT lines.
# POSIX sh, awk, grep and sed alone: Python takes longer to start than this may take in all.
LC_ALL=C
export LC_ALL
kallsyms=${KTRACE_KALLSYMS:-/proc/kallsyms}
tracing=$KTRACE_TRACING
if [ -z "$tracing" ]; then
  tracing=/sys/kernel/tracing
  [ -r "$tracing/README" ] || tracing=/sys/kernel/debug/tracing
fi
limit=300
tab=$(printf '\''\t'\'')

# CANDIDATE [WHAT]: printed if it goes on from what was typed.
offer() {
  case $1 in "$cur"*) printf '\''%s%s\t%s\n'\'' "$option" "$1" "$2" ;; esac
}

commands() {
  offer add '\''define a probe: a function, an offset in it, its return'\''
  offer list '\''show every kprobe and dynamic event, with hits and misses'\''
  offer show '\''show one event: definition, format, filter, hits'\''
  offer enable '\''enable probes in the kernel'\''\'\'''\''s top buffer'\''
  offer disable '\''disable probes'\''
  offer remove '\''remove probes'\''
  offer switch '\''arm or disarm all kprobes of the system'\''
  offer trace '\''stream events of existing probes, or of probes for this run'\''
  offer top '\''show what is hit most often, live on the whole terminal'\''
  offer graph '\''show what a function calls, and how long each call takes'\''
  offer run '\''run a SystemTap script: no compiler, no kernel module'\''
  offer count '\''count hits of functions and events, in the kernel'\''
  offer hist '\''show the distribution of an argument or a return value'\''
  offer latency '\''show how long a function takes, or the time between events'\''
  offer stack '\''count the stacks that lead to a place; draw flame graphs'\''
  offer record '\''record events to a file, in the format of trace-cmd'\''
  offer report '\''show a recording by ktrace or trace-cmd'\''
  offer sql '\''run an SQL query on a recording'\''
  offer parse '\''convert the text of a trace to JSON Lines'\''
  offer funcs '\''show functions: module, can be probed or not, declaration'\''
  offer type '\''show a type'\''\'\'''\''s members with their offsets'\''
  offer lines '\''show a function'\''\'\'''\''s source lines and which can be probed'\''
  offer vars '\''show a function'\''\'\'''\''s arguments and local variables'\''
  offer examples '\''show questions, and the command lines that answer them'\''
  offer doctor '\''show what works here, and how to fix what does not'\''
  offer config '\''show the settings in force, and where they come from'\''
  offer clean '\''remove what dead ktrace sessions left'\''
  offer vm '\''boot a real kernel in QEMU and run a command in it'\''
  offer version '\''print ktrace'\''\'\'''\''s version, Python'\''\'\'''\''s and the kernel'\''\'\'''\''s'\''
}

options() {
  case $command in
    add)
      offer -r '\''Probe the function'\''\'\'''\''s return.'\''
      offer --return '\''Probe the function'\''\'\'''\''s return.'\''
      offer --maxactive '\''For return probes: calls followed at a time; 0 for the kernel'\''\'\'''\''s default.'\''
      offer --name '\''The event'\''\'\'''\''s name.'\''
      offer -g '\''The event'\''\'\'''\''s group; by default kprobes or fprobes, by its kind.'\''
      offer --group '\''The event'\''\'\'''\''s group; by default kprobes or fprobes, by its kind.'\''
      offer --regs '\''Read ip, flags, the stack pointer and the argument registers.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --nth '\''Probe the Nth function of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --force '\''Accept names of arguments that the compiler changed (.isra), and any vmlinux.'\''
      offer --inlined '\''Also probe inlined copies; needs debug info.'\''
      offer --vmlinux '\''The kernel'\''\'\'''\''s debug info, for places in the source.'\''
      offer --stack '\''Record the kernel stack at each hit.'\''
      offer --enable '\''Enable it in the top buffer.'\''
      offer --from '\''Read definitions from FILE, - for stdin.'\''
      offer --atomic '\''Add all probes or none.'\''
      offer --append '\''Add a probe point to an existing event.'\''
      offer --dry-run '\''Print what would be written, as shell commands.'\''
      offer --json '\''Print each probe as a JSON record.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    list)
      offer --format '\''The format: debugfs is kprobes/list, byte for byte.'\''
      offer --json '\''The same as --format json.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    show)
      offer --json '\''Print one JSON object for each event.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    enable)
      offer --all '\''All probes.'\''
      offer --stack '\''Record the kernel stack at each hit.'\''
      offer --start-on '\''Start recording at this event.'\''
      offer --stop-on '\''Stop at the first hit that passes this filter.'\''
      offer --snapshot-on '\''Show only the events before the first hit that passes this filter.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    disable)
      offer --all '\''All probes.'\''
      offer --triggers '\''Also remove stack, snapshot, traceon and traceoff triggers.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    remove)
      offer --all '\''All probes, including those of others.'\''
      offer --dry-run '\''Print what would be written, as shell commands.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    switch)
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    trace)
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer -n '\''End after N events.'\''
      offer --count '\''End after N events.'\''
      offer -r '\''Probe the return of PLACE.'\''
      offer --return '\''Probe the return of PLACE.'\''
      offer --maxactive '\''For return probes: calls followed at a time; 0 for the kernel'\''\'\'''\''s default.'\''
      offer --regs '\''Read the registers at PLACE.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --nth '\''Probe the Nth function of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --force '\''Accept names of arguments that the compiler changed (.isra), and any vmlinux.'\''
      offer --inlined '\''Also probe inlined copies; needs debug info.'\''
      offer --vmlinux '\''The kernel'\''\'\'''\''s debug info, for places in the source.'\''
      offer --stack '\''Record the kernel stack at each hit.'\''
      offer --start-on '\''Start recording at this event.'\''
      offer --stop-on '\''Stop at the first hit that passes this filter.'\''
      offer --snapshot-on '\''Show only the events before the first hit that passes this filter.'\''
      offer --clock '\''Trace clock; by default mono, if available.'\''
      offer --time '\''Times in text: rel, delta, mono, boot, wall (local), utc, iso; by default the trace clock'\''\'\'''\''s.'\''
      offer --buffer-size '\''Buffer for each CPU: 512k, 4M.'\''
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer --text '\''Read the kernel'\''\'\'''\''s own text instead of its pages: slower.'\''
      offer -o '\''Write events to FILE.'\''
      offer --output '\''Write events to FILE.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    top)
      offer --by '\''Count by comm, pid, cpu, stack or an argument.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --size '\''The most keys that the table holds.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    graph)
      offer --depth '\''Levels of calls; 1 is FUNC alone.'\''
      offer --above '\''Only trees in which FUNC took longer, such as 10ms, 50us.'\''
      offer --exclude '\''Leave these functions out; repeatable.'\''
      offer --hide '\''Leave these functions out, and all that they call; repeatable.'\''
      offer --min '\''Leave out calls that took less, such as 10us.'\''
      offer --irqs '\''Show interrupts that came in between.'\''
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer -n '\''End after N calls of FUNC.'\''
      offer --count '\''End after N calls of FUNC.'\''
      offer --buffer-size '\''Buffer for each CPU: 512k, 4M.'\''
      offer --top-buffer '\''Use the shared buffer if only that one has the tracer.'\''
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -o '\''Write the trees to FILE.'\''
      offer --output '\''Write the trees to FILE.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    run)
      offer -e '\''The text of the script; all words are arguments.'\''
      offer -c '\''Start CMD, and end with it.'\''
      offer --command '\''Start CMD, and end with it.'\''
      offer -x '\''The value of target().'\''
      offer -G '\''Set a global variable; repeatable.'\''
      offer -D '\''Set a limit, such as MAXACTION.'\''
      offer -T '\''End after this time: 10s, 500ms, 2m.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer -l '\''List the probe points that match.'\''
      offer -L '\''The same, with the variables that can be read there.'\''
      offer -p '\''Stop after pass N: 1 parse, 2 resolve, to 5.'\''
      offer -o '\''Print to FILE.'\''
      offer --output '\''Print to FILE.'\''
      offer --input '\''Run on a recording.'\''
      offer --plan '\''Show what would be written to the kernel and run in ktrace; run nothing.'\''
      offer --passes '\''List the passes of the compilation; needs no script.'\''
      offer --pushdown '\''Let the kernel filter and count if it can, the default.'\''
      offer --no-pushdown '\''Let the kernel filter and count if it can, the default.'\''
      offer --allow-system '\''Allow the script to start programs with system().'\''
      offer --procfs '\''Serve the script'\''\'\'''\''s procfs files below DIR.'\''
      offer --listen '\''Serve them over HTTP on loopback, for reading.'\''
      offer --buffer-size '\''Buffer for each CPU: 512k, 4M.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --vmlinux '\''The kernel'\''\'\'''\''s debug info, for places in the source.'\''
      offer -I '\''Read the tapsets (.stp files) below DIR; repeatable.'\''
      offer -w '\''Print no warnings about the script.'\''
      offer -W '\''Treat warnings about the script as errors.'\''
      offer --as-stap '\''Take the words after it as those of stap; it must come first.'\''
      offer --cache '\''Keep the compiled script for the next run.'\''
      offer --no-cache '\''Keep the compiled script for the next run.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    count)
      offer --by '\''Count by comm, pid, cpu, stack or an argument.'\''
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer -r '\''Probe the return of PLACE.'\''
      offer --return '\''Probe the return of PLACE.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --nth '\''Probe the Nth function of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --size '\''The most keys that the table holds.'\''
      offer --in-kernel '\''Fail if the kernel cannot count.'\''
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    hist)
      offer --by '\''Count by comm, pid, cpu, stack or an argument.'\''
      offer --linear '\''Equal steps instead of powers of two.'\''
      offer --log2 '\''Use powers of two, the default.'\''
      offer --sum '\''Also sum this up for each line.'\''
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer -r '\''Probe the return of PLACE.'\''
      offer --return '\''Probe the return of PLACE.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --nth '\''Probe the Nth function of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --size '\''The most keys that the table holds.'\''
      offer --in-kernel '\''Fail if the kernel cannot count.'\''
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    latency)
      offer --on '\''The fields that must be equal in A and B.'\''
      offer --by '\''Count by comm, pid, cpu, stack or an argument.'\''
      offer --above '\''Show each call that takes at least TIME: 10ms.'\''
      offer --linear '\''Equal steps: 0:10ms:500us.'\''
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --size '\''The most keys that the table holds.'\''
      offer --in-kernel '\''Fail if the kernel cannot count.'\''
      offer --nested '\''Stream events, to time also nested calls.'\''
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    stack)
      offer --user '\''Count the program'\''\'\'''\''s stacks, not the kernel'\''\'\'''\''s.'\''
      offer --fold '\''Write folded lines for flame graph programs; - is stdout.'\''
      offer --svg '\''Write a flame graph, as one file.'\''
      offer --speedscope '\''Write a profile for speedscope.'\''
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --nth '\''Probe the Nth function of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --size '\''The most keys that the table holds.'\''
      offer --in-kernel '\''Fail if the kernel cannot count.'\''
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    record)
      offer -o '\''The file; an existing one is replaced at the end.'\''
      offer --output '\''The file; an existing one is replaced at the end.'\''
      offer -c '\''Only CMD and its children; end with it.'\''
      offer --command '\''Only CMD and its children; end with it.'\''
      offer -a '\''With CMD: also hits of others, while CMD runs.'\''
      offer --all-tasks '\''With CMD: also hits of others, while CMD runs.'\''
      offer -p '\''Only this process; repeatable.'\''
      offer --pid '\''Only this process; repeatable.'\''
      offer --children '\''With -p: also its children.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer --filter '\''Only hits that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer -d '\''End after this time: 10s, 500ms, 2m.'\''
      offer --duration '\''End after this time: 10s, 500ms, 2m.'\''
      offer --max-size '\''End when this much is recorded: 2G.'\''
      offer -r '\''Probe the return of PLACE.'\''
      offer --return '\''Probe the return of PLACE.'\''
      offer --maxactive '\''For return probes: calls followed at a time; 0 for the kernel'\''\'\'''\''s default.'\''
      offer --regs '\''Read the registers at PLACE.'\''
      offer --kind '\''fprobe costs less, but only at entry or return; auto: if possible.'\''
      offer --all '\''Probe all functions of that name.'\''
      offer --nth '\''Probe the Nth function of that name.'\''
      offer --max-probes '\''Refuse a wildcard that matches more.'\''
      offer --force '\''Accept names of arguments that the compiler changed (.isra), and any vmlinux.'\''
      offer --stack '\''Record the kernel stack at each hit.'\''
      offer --clock '\''Trace clock; by default mono, if available.'\''
      offer --buffer-size '\''Buffer for each CPU; 4M.'\''
      offer -q '\''Print no progress and no summary.'\''
      offer --quiet '\''Print no progress and no summary.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    report)
      offer --json '\''JSON Lines: see docs/json.md.'\''
      offer --csv '\''CSV: a line for each event.'\''
      offer --csv-raw '\''CSV without escapes: a spreadsheet may run formulas.'\''
      offer --parquet '\''One table, as Parquet.'\''
      offer --perfetto '\''A timeline for ui.perfetto.dev.'\''
      offer --chrome '\''A timeline for chrome://tracing.'\''
      offer --svg '\''A flame graph of stacks or function graph calls.'\''
      offer --fold '\''The same as folded stacks, for other programs.'\''
      offer --speedscope '\''The same as a profile for speedscope.app.'\''
      offer -e '\''Only events with this name: sched:*; repeatable.'\''
      offer --event '\''Only events with this name: sched:*; repeatable.'\''
      offer -C '\''Only these CPUs, such as 0,2-3.'\''
      offer --cpu '\''Only these CPUs, such as 0,2-3.'\''
      offer -p '\''Only this thread; repeatable.'\''
      offer --pid '\''Only this thread; repeatable.'\''
      offer --from '\''From this time on, as in the text output.'\''
      offer --to '\''Up to this time.'\''
      offer --filter '\''Only events that pass this filter, such as '\''\'\'''\''count > 4096'\''\'\'''\''.'\''
      offer --recover '\''Read what is left of a truncated or unfinished file.'\''
      offer --time '\''Times in text: rel, delta, mono, boot, wall (local), utc, iso; by default the trace clock'\''\'\'''\''s.'\''
      offer --format '\''The kind of a text; found by itself by default.'\''
      offer --formats '\''The events'\''\'\'''\'' formats for a text, such as /sys/kernel/tracing/events.'\''
      offer -j '\''Processes that make lines; one a CPU, up to 4.'\''
      offer --jobs '\''Processes that make lines; one a CPU, up to 4.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    sql)
      offer --json '\''JSON Lines: see docs/json.md.'\''
      offer --csv '\''CSV, with a header.'\''
      offer --csv-raw '\''CSV without escapes: a spreadsheet may run formulas.'\''
      offer --from '\''From this time on, as in the text output.'\''
      offer --to '\''Up to this time.'\''
      offer --recover '\''Read what is left of a truncated or unfinished file.'\''
      offer --format '\''The kind of a text; found by itself by default.'\''
      offer --formats '\''The events'\''\'\'''\'' formats for a text, such as /sys/kernel/tracing/events.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    parse)
      offer --text '\''Print as text, with escapes made visible.'\''
      offer --format '\''The kind of a text; found by itself by default.'\''
      offer --formats '\''The events'\''\'\'''\'' formats for a text, such as /sys/kernel/tracing/events.'\''
      offer --strict '\''Exit with 7 if a line was not understood.'\''
      offer -q '\''Print no summary.'\''
      offer --quiet '\''Print no summary.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    funcs)
      offer -m '\''Only functions of this module.'\''
      offer --module '\''Only functions of this module.'\''
      offer --probeable '\''Only functions that can be probed.'\''
      offer --args '\''Show declarations.'\''
      offer --json '\''Print each as a JSON record.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    type)
      offer -m '\''Look first among this module'\''\'\'''\''s own types.'\''
      offer --module '\''Look first among this module'\''\'\'''\''s own types.'\''
      offer --json '\''Print one JSON object.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    lines)
      offer --source '\''The directory of the kernel'\''\'\'''\''s sources.'\''
      offer --vmlinux '\''The kernel'\''\'\'''\''s debug info.'\''
      offer --force '\''Use FILE even if it is of another build.'\''
      offer -m '\''Look in this loaded module.'\''
      offer --module '\''Look in this loaded module.'\''
      offer --json '\''Print one JSON object for each function.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    vars)
      offer --vmlinux '\''The kernel'\''\'\'''\''s debug info.'\''
      offer --force '\''Use FILE even if it is of another build.'\''
      offer -m '\''Look in this loaded module.'\''
      offer --module '\''Look in this loaded module.'\''
      offer --json '\''Print one JSON object for each place.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    examples)
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    doctor)
      offer --json '\''Print one JSON object.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    config)
      offer --json '\''Print JSON Lines: see docs/json.md.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    clean)
      offer --dry-run '\''Print what would be done, as shell commands.'\''
      offer --json '\''Print a record for each session.'\''
      offer --force '\''Also remove a session that may still run.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    vm)
      offer --kernel '\''A kernel image, a version in /boot, or a series: 5.10, 6.1, 6.12 (default), 7.3.'\''
      offer --cpus '\''Processors of the guest.'\''
      offer --memory '\''Memory of the guest: 512M, 4G (default 2G).'\''
      offer --append '\''More words for the kernel'\''\'\'''\''s command line, such as lockdown=integrity.'\''
      offer --share '\''The directory that CMD can write to; the changes stay.'\''
      offer --timeout '\''End the guest after this time, including the time to boot.'\''
      offer --count-instructions '\''Emulate, with a clock that counts instructions, to measure on a busy machine.'\''
      offer -v '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer --verbose '\''Print what ktrace does, on stderr; -vv: also what it reads.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
    version)
      offer --json '\''Print one JSON object.'\''
      offer -h '\''Show what it does, with examples.'\''
      offer --help '\''Show what it does, with examples.'\''
      ;;
  esac
}

# OPTION: sets `kind` to what its value is; to nothing if it takes none.
value_kind() {
  kind=
  case "$command $1" in
    '\''add --maxactive'\'') kind=nothing ;;
    '\''add --name'\'') kind=nothing ;;
    '\''add -g'\'' | '\''add --group'\'') kind=groups ;;
    '\''add --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''add --nth'\'') kind=nothing ;;
    '\''add --max-probes'\'') kind=nothing ;;
    '\''add --vmlinux'\'') kind=files ;;
    '\''add --from'\'') kind=files ;;
    '\''list --format'\'') kind=one-of:table,debugfs,json ;;
    '\''enable --start-on'\'') kind=events ;;
    '\''enable --stop-on'\'') kind=fields ;;
    '\''enable --snapshot-on'\'') kind=fields ;;
    '\''trace -c'\'' | '\''trace --command'\'') kind=command ;;
    '\''trace -p'\'' | '\''trace --pid'\'') kind=processes ;;
    '\''trace -C'\'' | '\''trace --cpu'\'') kind=cpus ;;
    '\''trace --filter'\'') kind=fields ;;
    '\''trace -d'\'' | '\''trace --duration'\'') kind=times ;;
    '\''trace -n'\'' | '\''trace --count'\'') kind=nothing ;;
    '\''trace --maxactive'\'') kind=nothing ;;
    '\''trace --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''trace --nth'\'') kind=nothing ;;
    '\''trace --max-probes'\'') kind=nothing ;;
    '\''trace --vmlinux'\'') kind=files ;;
    '\''trace --start-on'\'') kind=events ;;
    '\''trace --stop-on'\'') kind=fields ;;
    '\''trace --snapshot-on'\'') kind=fields ;;
    '\''trace --clock'\'') kind=clocks ;;
    '\''trace --time'\'') kind=one-of:rel,mono,boot,wall,utc,iso,delta ;;
    '\''trace --buffer-size'\'') kind=sizes ;;
    '\''trace -o'\'' | '\''trace --output'\'') kind=files ;;
    '\''top --by'\'') kind=keys ;;
    '\''top -p'\'' | '\''top --pid'\'') kind=processes ;;
    '\''top -C'\'' | '\''top --cpu'\'') kind=cpus ;;
    '\''top --filter'\'') kind=fields ;;
    '\''top -d'\'' | '\''top --duration'\'') kind=times ;;
    '\''top --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''top --max-probes'\'') kind=nothing ;;
    '\''top --size'\'') kind=nothing ;;
    '\''graph --depth'\'') kind=nothing ;;
    '\''graph --above'\'') kind=times ;;
    '\''graph --exclude'\'') kind=functions ;;
    '\''graph --hide'\'') kind=functions ;;
    '\''graph --min'\'') kind=times ;;
    '\''graph -c'\'' | '\''graph --command'\'') kind=command ;;
    '\''graph -p'\'' | '\''graph --pid'\'') kind=processes ;;
    '\''graph -C'\'' | '\''graph --cpu'\'') kind=cpus ;;
    '\''graph -d'\'' | '\''graph --duration'\'') kind=times ;;
    '\''graph -n'\'' | '\''graph --count'\'') kind=nothing ;;
    '\''graph --buffer-size'\'') kind=sizes ;;
    '\''graph -o'\'' | '\''graph --output'\'') kind=files ;;
    '\''run -e'\'') kind=nothing ;;
    '\''run -c'\'' | '\''run --command'\'') kind=command ;;
    '\''run -x'\'') kind=processes ;;
    '\''run -G'\'') kind=nothing ;;
    '\''run -D'\'') kind=nothing ;;
    '\''run -T'\'' | '\''run -d'\'' | '\''run --duration'\'') kind=times ;;
    '\''run -l'\'') kind=nothing ;;
    '\''run -L'\'') kind=nothing ;;
    '\''run -p'\'') kind=nothing ;;
    '\''run -o'\'' | '\''run --output'\'') kind=files ;;
    '\''run --input'\'') kind=files ;;
    '\''run --procfs'\'') kind=dirs ;;
    '\''run --listen'\'') kind=nothing ;;
    '\''run --buffer-size'\'') kind=sizes ;;
    '\''run --max-probes'\'') kind=nothing ;;
    '\''run --vmlinux'\'') kind=files ;;
    '\''run -I'\'') kind=dirs ;;
    '\''count --by'\'') kind=keys ;;
    '\''count -c'\'' | '\''count --command'\'') kind=command ;;
    '\''count -p'\'' | '\''count --pid'\'') kind=processes ;;
    '\''count -C'\'' | '\''count --cpu'\'') kind=cpus ;;
    '\''count --filter'\'') kind=fields ;;
    '\''count -d'\'' | '\''count --duration'\'') kind=times ;;
    '\''count --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''count --nth'\'') kind=nothing ;;
    '\''count --max-probes'\'') kind=nothing ;;
    '\''count --size'\'') kind=nothing ;;
    '\''hist --by'\'') kind=keys ;;
    '\''hist --linear'\'') kind=nothing ;;
    '\''hist --sum'\'') kind=fields ;;
    '\''hist -c'\'' | '\''hist --command'\'') kind=command ;;
    '\''hist -p'\'' | '\''hist --pid'\'') kind=processes ;;
    '\''hist -C'\'' | '\''hist --cpu'\'') kind=cpus ;;
    '\''hist --filter'\'') kind=fields ;;
    '\''hist -d'\'' | '\''hist --duration'\'') kind=times ;;
    '\''hist --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''hist --nth'\'') kind=nothing ;;
    '\''hist --max-probes'\'') kind=nothing ;;
    '\''hist --size'\'') kind=nothing ;;
    '\''latency --on'\'') kind=fields ;;
    '\''latency --by'\'') kind=keys ;;
    '\''latency --above'\'') kind=times ;;
    '\''latency --linear'\'') kind=nothing ;;
    '\''latency -c'\'' | '\''latency --command'\'') kind=command ;;
    '\''latency -p'\'' | '\''latency --pid'\'') kind=processes ;;
    '\''latency -C'\'' | '\''latency --cpu'\'') kind=cpus ;;
    '\''latency --filter'\'') kind=fields ;;
    '\''latency -d'\'' | '\''latency --duration'\'') kind=times ;;
    '\''latency --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''latency --size'\'') kind=nothing ;;
    '\''stack --fold'\'') kind=files ;;
    '\''stack --svg'\'') kind=files ;;
    '\''stack --speedscope'\'') kind=files ;;
    '\''stack -c'\'' | '\''stack --command'\'') kind=command ;;
    '\''stack -p'\'' | '\''stack --pid'\'') kind=processes ;;
    '\''stack -C'\'' | '\''stack --cpu'\'') kind=cpus ;;
    '\''stack --filter'\'') kind=fields ;;
    '\''stack -d'\'' | '\''stack --duration'\'') kind=times ;;
    '\''stack --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''stack --nth'\'') kind=nothing ;;
    '\''stack --max-probes'\'') kind=nothing ;;
    '\''stack --size'\'') kind=nothing ;;
    '\''record -o'\'' | '\''record --output'\'') kind=files ;;
    '\''record -c'\'' | '\''record --command'\'') kind=command ;;
    '\''record -p'\'' | '\''record --pid'\'') kind=processes ;;
    '\''record -C'\'' | '\''record --cpu'\'') kind=cpus ;;
    '\''record --filter'\'') kind=fields ;;
    '\''record -d'\'' | '\''record --duration'\'') kind=times ;;
    '\''record --max-size'\'') kind=sizes ;;
    '\''record --maxactive'\'') kind=nothing ;;
    '\''record --kind'\'') kind=one-of:kprobe,fprobe,auto ;;
    '\''record --nth'\'') kind=nothing ;;
    '\''record --max-probes'\'') kind=nothing ;;
    '\''record --clock'\'') kind=clocks ;;
    '\''record --buffer-size'\'') kind=sizes ;;
    '\''report --parquet'\'') kind=files ;;
    '\''report --perfetto'\'') kind=files ;;
    '\''report --chrome'\'') kind=files ;;
    '\''report --svg'\'') kind=files ;;
    '\''report --fold'\'') kind=files ;;
    '\''report --speedscope'\'') kind=files ;;
    '\''report -e'\'' | '\''report --event'\'') kind=recorded ;;
    '\''report -C'\'' | '\''report --cpu'\'') kind=cpus ;;
    '\''report -p'\'' | '\''report --pid'\'') kind=processes ;;
    '\''report --from'\'') kind=times ;;
    '\''report --to'\'') kind=times ;;
    '\''report --filter'\'') kind=fields ;;
    '\''report --time'\'') kind=one-of:rel,mono,boot,wall,utc,iso,delta ;;
    '\''report --format'\'') kind=one-of:trace,latency,graph,trace-cmd,perf-script,perf-trace,mmiotrace,blk ;;
    '\''report --formats'\'') kind=dirs ;;
    '\''report -j'\'' | '\''report --jobs'\'') kind=nothing ;;
    '\''sql --from'\'') kind=times ;;
    '\''sql --to'\'') kind=times ;;
    '\''sql --format'\'') kind=one-of:trace,latency,graph,trace-cmd,perf-script,perf-trace,mmiotrace,blk ;;
    '\''sql --formats'\'') kind=dirs ;;
    '\''parse --format'\'') kind=one-of:trace,latency,graph,trace-cmd,perf-script,perf-trace,mmiotrace,blk ;;
    '\''parse --formats'\'') kind=dirs ;;
    '\''funcs -m'\'' | '\''funcs --module'\'') kind=modules ;;
    '\''type -m'\'' | '\''type --module'\'') kind=modules ;;
    '\''lines --source'\'') kind=dirs ;;
    '\''lines --vmlinux'\'') kind=files ;;
    '\''lines -m'\'' | '\''lines --module'\'') kind=modules ;;
    '\''vars --vmlinux'\'') kind=files ;;
    '\''vars -m'\'' | '\''vars --module'\'') kind=modules ;;
    '\''clean --force'\'') kind=sessions ;;
    '\''vm --kernel'\'') kind=kernels ;;
    '\''vm --cpus'\'') kind=nothing ;;
    '\''vm --memory'\'') kind=sizes ;;
    '\''vm --append'\'') kind=nothing ;;
    '\''vm --share'\'') kind=dirs ;;
    '\''vm --timeout'\'') kind=times ;;
  esac
}

word_kind() {
  kind=nothing
  case $command in
    add) kind=functions ;;
    list) kind=probes ;;
    show) kind=events ;;
    enable) kind=probes ;;
    disable) kind=probes ;;
    remove) kind=probes ;;
    switch) kind=one-of:on,off ;;
    trace) kind=targets ;;
    top) kind=targets ;;
    graph) kind=functions ;;
    run) kind=files ;;
    count) kind=targets ;;
    hist) kind=targets ;;
    latency) kind=targets ;;
    stack) kind=targets ;;
    record) kind=targets ;;
    report) kind=files ;;
    sql) kind=recordings ;;
    parse) kind=files ;;
    funcs) kind=functions ;;
    lines) kind=functions ;;
    vars) kind=functions ;;
    examples) kind=questions ;;
    vm) kind=command ;;
  esac
}

# Whether a file opens: its mode says nothing about lockdown.
opens() {
  { IFS= read -r _ <"$1"; } 2>/dev/null
}

functions() {
  case $1 in
    *%*) # a function'\''s return
      case %return in "%${1#*%}"*) functions "${1%%%*}" | awk -v name="${1%%%*}" '\''$1 == name { print $1 "%return" }'\'' ;; esac
      return ;;
    '\'''\'' | *[!A-Za-z0-9_.:\$]*) return ;; # nothing typed, or an offset: too many, or nothing to be known
  esac
  module= name=$1
  case $1 in *:*) module=${1%%:*} name=${1#*:} ;; esac
  pattern=$(printf %s "$name" | sed '\''s/[^A-Za-z0-9_]/[&]/g'\'')"[^ $tab]*"
  [ -z "$module" ] || pattern="$pattern[ $tab]\\[$module\\]\$"
  if opens "$tracing/available_filter_functions"; then
    grep -m "$limit" "^$pattern" "$tracing/available_filter_functions"
  else
    grep -m "$limit" "^[0-9a-f]* [tTwW] $pattern" "$kallsyms" | sed '\''s/^[^ ]* . //'\''
  fi 2>/dev/null | awk -v module="$module" -v typed="$name" '\''
    /^__(pfx|cfi)_/ && typed !~ /^__[pc]/ { next }  # padding before a function, with its own name
    !seen[$1]++ { print (module == "" ? $1 : module ":" $1) "\t" (NF > 1 ? $2 : "function") }'\''
}

modules() {
  case $1 in '\'''\'' | *[!A-Za-z0-9_]*) return ;; esac
  awk -v p="$1" '\''index($1, p) == 1 { print $1 ":\tmodule" }'\'' "${KTRACE_MODULES:-/proc/modules}" 2>/dev/null
}

# Lines of definitions; the older files where the kernel has no common one.
definitions() {
  cat "$tracing/dynamic_events" 2>/dev/null || cat "$tracing/kprobe_events" "$tracing/uprobe_events" 2>/dev/null
}

probes() {
  definitions | awk -v p="$1" '\''
    {
      if (!match($1, /^[a-z][0-9]*:/)) next
      event = substr($1, RLENGTH + 1)
      slash = index(event, "/")
      group = substr(event, 1, slash - 1); name = substr(event, slash + 1)
      own = group ~ /^ktrace_[0-9]+_[0-9]/  # of a session: only its whole name means it
      if (own && (p == "" || index("ktrace_", p) != 1 && index(p, "ktrace_") != 1)) next
      text = index(name, p) == 1 && !own ? name : index(event, p) == 1 ? event : group ":" name
      gsub(/[^ -~]/, "?", $2)  # the path of a program, perhaps
      if (index(text, p) == 1 && !seen[text]++) print text "\t" $2
    }'\''
}

# Events of the kernel: systems with a colon until one has been typed, then SYSTEM:EVENT.
events() {
  awk -F: -v p="$1" '\''
    index(p, ":") == 0 { if (index($1, p) == 1 && !seen[$1]++) print $1 ":\tevents"; next }
    index($0, p) == 1 { print $0 "\tevent" }'\'' "$tracing/available_events" 2>/dev/null
}

groups() {
  definitions | awk -v p="$1" '\''
    match($1, /^[a-z][0-9]*:/) { split(substr($1, RLENGTH + 1), part, "/"); print part[1] "\tgroup" }'\'' | sort -u
  offer kprobes '\''the default'\''
}

# What a fetch argument is made of; NAME= and what else is typed before it stays.
arguments() {
  before= cur=$1
  case $1 in *=*) before=${1%"${1#*=}"} cur=${1#*=} ;; esac
  case $cur in
    *:*) before=$before${cur%"${cur##*:}"} cur=${cur##*:} values=$types ;;
    *) values="$variables" ;;
  esac
  case $(uname -m) in
    x86_64) registers='\''%di %si %dx %cx %r8 %r9 %ax %sp %ip %flags'\'' ;;
    aarch64) registers='\''%x0 %x1 %x2 %x3 %x4 %x5 %x6 %x7 %sp %pc %pstate'\'' ;;
    riscv64) registers='\''%a0 %a1 %a2 %a3 %a4 %a5 %a6 %a7 %sp %epc %status'\'' ;;
    *) registers= ;;
  esac
  [ "$values" = "$types" ] || values="$values $registers"
  option=$before
  for value in $values; do offer "$value" '\''argument'\''; done
}
types='\''u8 u16 u32 u64 s8 s16 s32 s64 x8 x16 x32 x64 char string ustring symbol symstr path %pd %pD'\''
questions='\''allocations analyse another block busy call called calls clone command connects define deletes disk distribution does driver drops each ecord embers errno error exec fail files flame fork function functions graph hich kernel kill large later lead live long longer look made make memory module most much network offset often open opens packets parameters paths perfetto port probe process programs qemu queue read reads recording remove requests rguments right runs schedule script send sends signals size slow start starts stays strace struct system table take task tasks than that they timeline trace tree wait when where which whom whose with write writes ystem'\''
variables='\''$arg1 $arg2 $arg3 $arg4 $arg5 $arg6 $retval $stack $comm'\''

# Fields of the event that was named: in its format file.
fields() {
  case $place in
    *..* | '\'''\'') return ;;
    *:*) event=${place%%:*}/${place#*:} ;;
    */*) event=$place ;;
    *) event=$(definitions | awk -v p="$place" '\''
      match($1, /^[a-z][0-9]*:/) { e = substr($1, RLENGTH + 1); n = e; sub(/.*\//, "", n); if (n == p) { print e; exit } }'\'') ;;
  esac
  awk '\''/^\tfield:/ { sub(/;.*/, ""); sub(/\[[^]]*\]$/, ""); sub(/.*[ *]/, ""); if (!/^common_/) print }'\'' \
    "$tracing/events/$event/format" 2>/dev/null
}

# Formats at the beginning of a recording: their fields come after their names.
formats() {
  [ -z "$recording" ] || head -c 2097152 "$recording" | grep -a -o -E "name: [A-Za-z0-9_]+\$|^${tab}field:.*"
}

# KIND: names of events in the recording, and of fields if KIND is columns, that go on from what was typed.
recorded() {
  formats | option=$option cur=$cur kind=$1 awk '\''
    BEGIN { p = ENVIRON["cur"]; o = ENVIRON["option"]; columns = ENVIRON["kind"] == "columns" }
    /name: / { if (index($NF, p) == 1 && !seen[$NF]++) print o $NF "\tevent"; next }
    columns {
      sub(/;.*/, ""); sub(/\[[^]]*\]$/, ""); sub(/.*[ *]/, "")
      if (index($0, p) == 1 && $0 !~ /^common_/ && !seen[$0]++) print o $0 "\tcolumn"
    }'\''
}

# An SQL query: its last word is a table or a column.
query() {
  option=${1%"${1##*[!A-Za-z0-9_]}"} cur=${1##*[!A-Za-z0-9_]}
  [ -n "$cur" ] || return
  offer events '\''table of all records'\''
  for name in ts cpu pid comm flags event; do offer "$name" column; done
  recorded columns
}

# UNITS: those that can follow the number that was typed.
units() {
  number=${cur%%[!0-9.]*}
  [ -n "$number" ] || return
  for unit in $1; do offer "$number$unit" unit; done
}

processes() {
  for folder in /proc/[0-9]*; do
    { IFS= read -r comm <"$folder/comm"; } 2>/dev/null || continue
    case $comm in *[![:print:]]*) comm='\''?'\'' ;; esac # a process can call itself anything
    offer "${folder#/proc/}" "$comm"
  done
}

candidates() {
  case $1 in
    functions) functions "$cur"; modules "$cur" ;;
    targets) probes "$cur"; events "$cur"; functions "$cur"; modules "$cur" ;;
    probes) probes "$cur" ;;
    events) probes "$cur"; events "$cur" ;;
    fields) option=${cur%"${cur##*[!A-Za-z0-9_]}"} cur=${cur##*[!A-Za-z0-9_]}
      for name in $(fields); do offer "$name" field; done ;;
    keys) option=${cur%"${cur##*,}"} cur=${cur##*,}
      for name in comm pid cpu stack $(fields); do offer "$name" key; done ;;
    recorded) recorded events ;;
    query) query "$cur" ;;
    groups) groups "$cur" | awk -v p="$cur" '\''index($1, p) == 1'\'' ;;
    clocks) for clock in $({ tr -d '\''[]'\'' <"$tracing/trace_clock"; } 2>/dev/null); do offer "$clock" clock; done ;;
    processes) processes ;;
    modules) awk -v p="$cur" '\''index($1, p) == 1 { print $1 "\tmodule" }'\'' "${KTRACE_MODULES:-/proc/modules}" 2>/dev/null ;;
    sessions)
      for folder in "$tracing"/instances/ktrace_*; do
        [ -e "$folder" ] && offer "${folder##*/}" session
      done ;;
    times) units '\''ns us ms s m h'\'' ;;
    sizes) units '\''k M G'\'' ;;
    cpus) option=${cur%"${cur##*[,-]}"} cur=${cur##*[,-]}
      for folder in /sys/devices/system/cpu/cpu[0-9]*; do offer "${folder##*/cpu}" CPU; done ;;
    questions) for word in $questions; do offer "$word" word; done ;;
    kernels)
      for series in 5.10 6.1 6.12 7.3; do offer "$series" series; done
      for image in /boot/vmlinuz-*; do [ -e "$image" ] && offer "${image#/boot/vmlinuz-}" '\''in /boot'\''; done ;;
    arguments) arguments "$cur"; option='\'''\'' cur=$1; [ -n "$typed" ] || echo ",${tab}another definition" ;;
    one-of:*) for word in $(printf %s "${1#one-of:}" | tr , '\'' '\''); do offer "$word"; done ;;
  esac
}

option=
if [ $# -le 1 ]; then
  cur=$1
  echo -
  commands
  exit
fi
command=$1
shift
words_only= kind= said=0 place= recording=
word_kind
words=$kind
kind=
while [ $# -gt 1 ]; do
  if [ -n "$kind" ]; then
    kind= # the value of the option before it
  else
    case $words_only$1 in
      --) words_only=y ;;
      -*=*) ;;
      -?*) value_kind "$1" ;;
      ,) said=0 place= ;;
      *)
        said=$((said + 1))
        place=${place:-$1}
        [ ! -f "$1" ] || recording=$1
        [ "$words" != command ] || words_only=y ;;
    esac
  fi
  shift
done
cur=$1
case $words_only$cur in
  --*=*)
    if [ -z "$kind" ]; then
      value_kind "${cur%%=*}"
      option=${cur%%=*}= cur=${cur#*=}
      kind=${kind:-nothing}
    fi ;;
  -*)
    if [ -z "$kind" ]; then
      echo -
      options
      exit
    fi ;;
esac
if [ -z "$kind" ]; then
  kind=$words
  case $said$words in
    0recordings) kind=files ;;
    0*) ;;
    *functions) kind=arguments ;;
    *recordings) kind=query ;;
    1targets) case $command$place in
      hist*:* | hist*/*) kind=fields ;;
      *) case $cur in '\'''\'' | *[=%\$]*) kind=arguments ;; esac ;;
    esac ;;
    *targets) case $cur in '\'''\'' | *[=%\$]*) kind=arguments ;; esac ;;
    *command) kind=files ;;
    *one-of:* | *events) kind=nothing ;;
  esac
fi
typed=$cur
case $kind in
  files | dirs | command) echo "$kind" ;;
  kernels) echo files ;;
  *) echo - ;;
esac
candidates "$kind"
'

_ktrace() {
    local i fragment rest=$COMP_LINE line first=1 words=() cur keep dollar='\$'
    COMPREPLY=()
    # Bash breaks words at : and =, which are part of ours: what touches is put together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        fragment=${COMP_WORDS[i]}
        if ((i)) && [[ $rest != [[:blank:]]* ]]; then
            words[${#words[@]} - 1]+=$fragment
        else
            words+=("$fragment")
        fi
        rest=${rest#"${rest%%[![:blank:]]*}"}
        rest=${rest#"$fragment"}
    done
    cur=${words[${#words[@]} - 1]}
    # Bash replaces only what follows the last break.
    keep=
    [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && keep=${cur%"${cur##*:}"}
    [[ $COMP_WORDBREAKS == *=* && ${cur#"$keep"} == *=* ]] && keep=${cur%"${cur##*=}"}
    # Within quotes it breaks nothing, and within single quotes there is nothing to be escaped.
    [[ $cur == [\'\"]* ]] && keep=
    [[ $cur == \'* ]] && dollar='$'
    cur=${cur#[\'\"]}
    words[${#words[@]} - 1]=$cur
    while IFS= read -r line; do
        if ((first)); then
            first=0
            case $line in
                files) mapfile -t COMPREPLY < <(compgen -f -- "${cur##*=}") ;;
                dirs) mapfile -t COMPREPLY < <(compgen -d -- "${cur##*=}") ;;
                command) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
            esac
            [[ $line == - ]] || compopt -o filenames 2>/dev/null
            continue
        fi
        line=${line%%$'\t'*}
        line=${line#"$keep"}
        COMPREPLY+=("${line//\$/"$dollar"}")
    done < <(sh -c "$_ktrace_engine" ktrace "${words[@]:1}")
    # After a system, a module or an option that waits for its value, no blank.
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:=] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _ktrace ktrace
