# fish completion for ktrace. Made by completions/generate.py: change the templates, not this.

set -g __ktrace_engine @ENGINE@

function __ktrace_complete
    set -l before (commandline -opc)
    set -l typed (commandline -ct | string unescape)
    test (count $typed) -gt 0; or set typed ""
    set -l lines (sh -c $__ktrace_engine ktrace $before[2..-1] $typed)
    switch $lines[1]
        case files
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- $typed)
        case dirs
            __fish_complete_directories (string replace -r '^--[^=]*=' '' -- $typed)
        case command
            complete -C"$typed"
    end
    string join \n -- $lines[2..-1]
end

complete -c ktrace -f -a '(__ktrace_complete)'
