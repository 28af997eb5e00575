# bash completion for infer; installed as share/bash-completion/completions/infer
# The words come from the command itself, so that they are always those of its version.

_infer_command() # the command among the words before the cursor, if it is there yet
{
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --isa) ((i++)) ;;
        -*) ;;
        *)
            printf '%s\n' "${COMP_WORDS[i]}"
            return
            ;;
        esac
    done
}

_infer_values() # of an option: its words, or nothing where a file may follow
{
    case $1 in
    --isa) printf '%s\n' ref avx2 avx512 neon dotprod ;;
    --kv) printf '%s\n' f16 f32 bf16 q8_0 ;;
    --mirostat) printf '%s\n' 0 2 ;;
    esac
}

_infer()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} name takes
    COMPREPLY=()
    if [[ $word == '=' ]]; then # --kv=q8_0 is three words
        word=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    name=$(_infer_command)
    takes=$("$program" --list-options ${name:+"$name"} 2>/dev/null |
        awk -F '\t' -v option="$before" '$1 == option && $1 ~ /^-/ { print $2 }')
    if [[ $before == --isa || -n $takes ]]; then
        case $before in
        --isa | --kv | --mirostat)
            mapfile -t COMPREPLY < <(compgen -W "$(_infer_values "$before")" -- "$word")
            ;;
        *) [[ $takes == FILE ]] && mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        esac
    elif [[ -z $name && $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W \
            "$("$program" --list-options 2>/dev/null | cut -f 1)" -- "$word")
    elif [[ -z $name ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--isa --exact --approx --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W \
            "$("$program" --list-options "$name" 2>/dev/null | cut -f 1)" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o bashdefault -o filenames -F _infer infer
