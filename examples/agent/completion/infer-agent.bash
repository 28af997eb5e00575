# bash completion for infer-agent; installed as share/bash-completion/completions/infer-agent
# The words come from the command itself, so that they are always those of its version.

_infer_agent()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} takes
    COMPREPLY=()
    if [[ $word == '=' ]]; then # --sandbox=none is three words
        word=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    takes=$("$program" --list-options 2>/dev/null |
        awk -F '\t' -v option="$before" '$1 == option { print $2 }')
    case $takes in
    '')
        if [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$("$program" --list-options 2>/dev/null | cut -f 1)" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            if ((COMP_CWORD == 1)); then
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "doctor verify" -- "$word")
            fi
        fi
        ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    FILE | LOG) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    *'|'*) mapfile -t COMPREPLY < <(compgen -W "${takes//|/ }" -- "$word") ;;
    esac
}

complete -o bashdefault -o filenames -F _infer_agent infer-agent
