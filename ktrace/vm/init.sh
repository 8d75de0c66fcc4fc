#!/bin/busybox sh
# The guest's first process, run by busybox: from the initramfs, and again, as `serve`, from the
# new root. It mounts what a program expects, runs one command, and reports on the control port
# (descriptor 3), in lines: `ready`, `exit STATUS`, `fail WORDS`. It reads there `signal NAME`,
# `pipe out|err` (nobody reads that stream any more) and `size ROWS COLUMNS`.
#
# What to run is next to it in job/: settings and command are shell files with quoted words only,
# expose is a list of directories, end is what marks the end of each output stream.

run=/run/ktrace-vm
root=/sysroot

fail() {
    echo "ktrace: $*"
    if [ -e /proc/self/fd/3 ]; then
        echo "fail $*" >&3
        forever
    fi
    exit 1 # the kernel panics, QEMU ends, and the line above is on the console
}

forever() { # until QEMU is killed, which it is once everything written has arrived
    while :; do sleep 1000; done
}

# The device of a virtio-serial port, waiting for it: ports appear some time after their driver.
port() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        for name in /sys/class/virtio-ports/*/name; do
            [ -e "$name" ] && read -r found <"$name" || continue
            if [ "$found" = "ktrace.$1" ]; then
                name=${name%/name}
                echo "/dev/${name##*/}"
                return
            fi
        done
        sleep "0.$try"
    done
    return 1
}

# A file system over a directory that the host has. A link is left alone: it would lead out of
# the new root.
over() { # DIRECTORY MOUNT-ARGUMENTS...
    directory=$root$1
    shift
    if [ -d "$directory" ] && [ ! -L "$directory" ]; then
        mount "$@" "$directory"
    fi
}

boot() {
    export PATH=/bin
    # By its full name: a busybox whose shell prefers its own applets runs them by /proc/self/exe.
    /bin/busybox mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t devtmpfs dev /dev
    for module in /modules/*.ko; do
        [ -e "$module" ] || continue
        insmod "$module" || fail "the module ${module##*/} cannot be loaded"
    done
    control=$(port control) || fail "the kernel shows no virtio-serial ports"
    exec 3<>"$control"
    . /job/settings
    mount -t virtiofs -o ro ktrace-root "$root" || fail "the host's root cannot be mounted"

    # Directories that the empty temporary folders are about to hide.
    number=0
    while read -r directory; do
        [ -d "$root$directory" ] || continue
        mkdir -p "/keep/$number"
        mount -o bind "$root$directory" "/keep/$number"
        number=$((number + 1))
    done </job/expose
    over /run -t tmpfs -o mode=755 run
    over /tmp -t tmpfs -o mode=1777 tmp
    over /var/tmp -t tmpfs -o mode=1777 tmp
    number=0
    while read -r directory; do
        [ -d "/keep/$number" ] || continue
        mkdir -p "$root$directory"
        mount -o move "/keep/$number" "$root$directory"
        number=$((number + 1))
    done </job/expose
    if [ -n "$share" ]; then
        mkdir -p "$root$share"
        mount -t virtiofs ktrace-share "$root$share" || fail "$share cannot be mounted"
    fi

    over /proc -t proc proc
    over /sys -t sysfs sys
    over /sys/kernel/debug -t debugfs debug
    over /sys/kernel/tracing -t tracefs tracing
    over /sys/fs/cgroup -t cgroup2 cgroup 2>/dev/null
    over /dev -t devtmpfs dev
    mkdir -p "$root/dev/pts" "$root/dev/shm"
    over /dev/pts -t devpts -o gid=5,mode=620,ptmxmode=666 pts
    over /dev/shm -t tmpfs -o mode=1777 shm
    for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
        ln -sf "/proc/self/${link#*:}" "$root/dev/${link%:*}"
    done
    if [ -d /sysroot/lib/modules ] && [ -n "$modules" ] && [ -d "$root$modules" ]; then
        # The guest's own modules where modprobe looks for them.
        mkdir -p /keep/modules
        mount -o bind "$root$modules" /keep/modules
        mount -t tmpfs modules "$root/lib/modules"
        mkdir -p "$root/lib/modules/${modules##*/}"
        mount -o move /keep/modules "$root/lib/modules/${modules##*/}"
    fi

    mkdir -p "$root$run"
    cp -a /bin /init /job "$root$run"
    exec switch_root "$root" "$run/bin/busybox" sh "$run/init" serve
}

serve() {
    export PATH=$run/bin
    . $run/job/settings
    hostname ktrace-vm
    ip link set lo up
    relays=
    if [ "$one_output" = 0 ]; then
        relay_out err stderr
        err=$relay
    fi
    if [ "$tty" = 0 ]; then
        relay_out out stdout
        out=$relay
        mkfifo $run/in
        input=$(port stdin) || fail "no port for stdin"
        cat <"$input" >$run/in 2>/dev/null 3>&- &
    fi
    listen &
    listener=$!
    echo ready >&3
    # In the foreground: a shell makes its background commands ignore SIGINT. In a session of its
    # own: the whole of it gets the signals that are sent to the command.
    if [ "$tty" = 1 ]; then
        setsid -c sh $run/init terminal <>/dev/ttyS1 >&0 2>&0 3>&-
    elif [ "$one_output" = 1 ]; then
        setsid sh $run/init pipes <$run/in >$run/out 2>&1 3>&-
    else
        setsid sh $run/init pipes <$run/in >$run/out 2>$run/err 3>&-
    fi
    status=$?
    # What the command left running holds the output streams open, and ends with the guest anyway.
    for entry in /proc/[0-9]*; do
        pid=${entry#/proc/}
        case " 1 $listener $relays " in
        *" $pid "*) ;;
        *) kill -KILL "$pid" 2>/dev/null ;;
        esac
    done
    for relay in $relays; do
        wait "$relay"
    done
    [ -z "$share" ] || sync
    echo "exit $status" >&3
    forever
}

# One output stream: a pipe, which gives SIGPIPE and lets poll work as a port would not, carried
# to its port. The end is marked, for a port's reader cannot see one that arrives.
relay_out() { # PIPE PORT
    mkfifo "$run/$1"
    device=$(port "$2") || fail "no port for $2"
    cat - $run/job/end <"$run/$1" >"$device" 3>&- &
    relay=$!
    relays="$relays $relay"
}

listen() {
    while read -r word first second <&3; do
        case $word in
        signal)
            until [ -s $run/pid ]; do sleep 0.1; done
            read -r leader <$run/pid
            kill -"$first" "-$leader"
            ;;
        pipe)
            case $first in
            out) kill -KILL "$out" ;;
            err) kill -KILL "$err" ;;
            esac
            ;;
        size) stty -F /dev/ttyS1 rows "$first" cols "$second" ;;
        esac
    done
}

# The session leader on the terminal. It outlives the command, because what is still on its way to
# a terminal is lost when the leader of its session ends.
terminal() {
    . $run/job/settings
    trap : INT QUIT
    stty 115200 rows "$rows" cols "$columns"
    echo $$ >$run/pid
    if [ "$one_output" = 0 ]; then
        sh $run/init command 2>$run/err
    else
        sh $run/init command
    fi
    status=$?
    cat $run/job/end
    stty sane # waits until everything is written
    exit $status
}

command() {
    unset HOME TERM OLDPWD # the kernel's, not the user's
    . $run/job/command
    # Not found by the shell, which may prefer an applet of busybox's to the program of that name.
    case $1 in
    */*) program=$1 ;;
    *) program=$(find_program "$1") || {
        echo "ktrace: $1: command not found" >&2
        exit 127
    } ;;
    esac
    name=$1
    shift
    exec -a "$name" "$program" "$@"
}

find_program() {
    IFS=:
    for directory in $PATH; do
        if [ -f "$directory/$1" ] && [ -x "$directory/$1" ]; then
            echo "$directory/$1"
            return
        fi
    done
    return 1
}

case ${1-} in
serve) serve ;;
terminal) terminal ;;
pipes)
    echo $$ >$run/pid
    command
    ;;
command) command ;;
*) boot ;;
esac
