# bash completion for ktrace. Made by completions/generate.py: change the templates, not this.
# shellcheck shell=bash

_ktrace_engine=@ENGINE@

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
