# fish completion for koelectra: commands and options as --help lists them, files.

function __koelectra_commands
    koelectra --help 2>/dev/null | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\)  *\(.*\)/\1\t\2/p'
end

function __koelectra_options
    set -l words (commandline -opc)
    koelectra $words[2] --help 2>/dev/null |
        sed -n 's/^  [- ][a-z ][, ] \(--[a-z-]*\) [A-Z]*  *\(.*\)/\1\t\2/p'
end

complete -c koelectra -n __fish_use_subcommand -f -a '(__koelectra_commands)'
complete -c koelectra -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f -a '(__koelectra_options)'
