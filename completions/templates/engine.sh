# Prints what can come next: sh -c ENGINE ktrace WORD... where the last WORD is the one being typed.
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
tab=$(printf '\t')

# CANDIDATE [WHAT]: printed if it goes on from what was typed.
offer() {
  case $1 in "$cur"*) printf '%s%s\t%s\n' "$option" "$1" "$2" ;; esac
}

commands() {
@COMMANDS@
}

options() {
  case $command in
@OPTIONS@
  esac
}

# OPTION: sets `kind` to what its value is; to nothing if it takes none.
value_kind() {
  kind=
  case "$command $1" in
@VALUES@
  esac
}

word_kind() {
  kind=nothing
  case $command in
@WORDS@
  esac
}

# Whether a file opens: its mode says nothing about lockdown.
opens() {
  { IFS= read -r _ <"$1"; } 2>/dev/null
}

functions() {
  case $1 in
    *%*) # a function's return
      case %return in "%${1#*%}"*) functions "${1%%%*}" | awk -v name="${1%%%*}" '$1 == name { print $1 "%return" }' ;; esac
      return ;;
    '' | *[!A-Za-z0-9_.:\$]*) return ;; # nothing typed, or an offset: too many, or nothing to be known
  esac
  module= name=$1
  case $1 in *:*) module=${1%%:*} name=${1#*:} ;; esac
  pattern=$(printf %s "$name" | sed 's/[^A-Za-z0-9_]/[&]/g')"[^ $tab]*"
  [ -z "$module" ] || pattern="$pattern[ $tab]\\[$module\\]\$"
  if opens "$tracing/available_filter_functions"; then
    grep -m "$limit" "^$pattern" "$tracing/available_filter_functions"
  else
    grep -m "$limit" "^[0-9a-f]* [tTwW] $pattern" "$kallsyms" | sed 's/^[^ ]* . //'
  fi 2>/dev/null | awk -v module="$module" -v typed="$name" '
    /^__(pfx|cfi)_/ && typed !~ /^__[pc]/ { next }  # padding before a function, with its own name
    !seen[$1]++ { print (module == "" ? $1 : module ":" $1) "\t" (NF > 1 ? $2 : "function") }'
}

modules() {
  case $1 in '' | *[!A-Za-z0-9_]*) return ;; esac
  awk -v p="$1" 'index($1, p) == 1 { print $1 ":\tmodule" }' "${KTRACE_MODULES:-/proc/modules}" 2>/dev/null
}

# Lines of definitions; the older files where the kernel has no common one.
definitions() {
  cat "$tracing/dynamic_events" 2>/dev/null || cat "$tracing/kprobe_events" "$tracing/uprobe_events" 2>/dev/null
}

probes() {
  definitions | awk -v p="$1" '
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
    }'
}

# Events of the kernel: systems with a colon until one has been typed, then SYSTEM:EVENT.
events() {
  awk -F: -v p="$1" '
    index(p, ":") == 0 { if (index($1, p) == 1 && !seen[$1]++) print $1 ":\tevents"; next }
    index($0, p) == 1 { print $0 "\tevent" }' "$tracing/available_events" 2>/dev/null
}

groups() {
  definitions | awk -v p="$1" '
    match($1, /^[a-z][0-9]*:/) { split(substr($1, RLENGTH + 1), part, "/"); print part[1] "\tgroup" }' | sort -u
  offer kprobes 'the default'
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
@REGISTERS@
    *) registers= ;;
  esac
  [ "$values" = "$types" ] || values="$values $registers"
  option=$before
  for value in $values; do offer "$value" 'argument'; done
}
types='@TYPES@'
questions='@QUESTIONS@'
variables='$arg1 $arg2 $arg3 $arg4 $arg5 $arg6 $retval $stack $comm'

# Fields of the event that was named: in its format file.
fields() {
  case $place in
    *..* | '') return ;;
    *:*) event=${place%%:*}/${place#*:} ;;
    */*) event=$place ;;
    *) event=$(definitions | awk -v p="$place" '
      match($1, /^[a-z][0-9]*:/) { e = substr($1, RLENGTH + 1); n = e; sub(/.*\//, "", n); if (n == p) { print e; exit } }') ;;
  esac
  awk '/^\tfield:/ { sub(/;.*/, ""); sub(/\[[^]]*\]$/, ""); sub(/.*[ *]/, ""); if (!/^common_/) print }' \
    "$tracing/events/$event/format" 2>/dev/null
}

# Formats at the beginning of a recording: their fields come after their names.
formats() {
  [ -z "$recording" ] || head -c 2097152 "$recording" | grep -a -o -E "name: [A-Za-z0-9_]+\$|^${tab}field:.*"
}

# KIND: names of events in the recording, and of fields if KIND is columns, that go on from what was typed.
recorded() {
  formats | option=$option cur=$cur kind=$1 awk '
    BEGIN { p = ENVIRON["cur"]; o = ENVIRON["option"]; columns = ENVIRON["kind"] == "columns" }
    /name: / { if (index($NF, p) == 1 && !seen[$NF]++) print o $NF "\tevent"; next }
    columns {
      sub(/;.*/, ""); sub(/\[[^]]*\]$/, ""); sub(/.*[ *]/, "")
      if (index($0, p) == 1 && $0 !~ /^common_/ && !seen[$0]++) print o $0 "\tcolumn"
    }'
}

# An SQL query: its last word is a table or a column.
query() {
  option=${1%"${1##*[!A-Za-z0-9_]}"} cur=${1##*[!A-Za-z0-9_]}
  [ -n "$cur" ] || return
  offer events 'table of all records'
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
    case $comm in *[![:print:]]*) comm='?' ;; esac # a process can call itself anything
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
    groups) groups "$cur" | awk -v p="$cur" 'index($1, p) == 1' ;;
    clocks) for clock in $({ tr -d '[]' <"$tracing/trace_clock"; } 2>/dev/null); do offer "$clock" clock; done ;;
    processes) processes ;;
    modules) awk -v p="$cur" 'index($1, p) == 1 { print $1 "\tmodule" }' "${KTRACE_MODULES:-/proc/modules}" 2>/dev/null ;;
    sessions)
      for folder in "$tracing"/instances/ktrace_*; do
        [ -e "$folder" ] && offer "${folder##*/}" session
      done ;;
    times) units 'ns us ms s m h' ;;
    sizes) units 'k M G' ;;
    cpus) option=${cur%"${cur##*[,-]}"} cur=${cur##*[,-]}
      for folder in /sys/devices/system/cpu/cpu[0-9]*; do offer "${folder##*/cpu}" CPU; done ;;
    questions) for word in $questions; do offer "$word" word; done ;;
    kernels)
      for series in @SERIES@; do offer "$series" series; done
      for image in /boot/vmlinuz-*; do [ -e "$image" ] && offer "${image#/boot/vmlinuz-}" 'in /boot'; done ;;
    arguments) arguments "$cur"; option='' cur=$1; [ -n "$typed" ] || echo ",${tab}another definition" ;;
    one-of:*) for word in $(printf %s "${1#one-of:}" | tr , ' '); do offer "$word"; done ;;
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
      *) case $cur in '' | *[=%\$]*) kind=arguments ;; esac ;;
    esac ;;
    *targets) case $cur in '' | *[=%\$]*) kind=arguments ;; esac ;;
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
