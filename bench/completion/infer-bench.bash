# bash completion for infer-bench; installed as share/bash-completion/completions/infer-bench
# The options come from its help, so that they are always those of its version.

_infer_bench()
{
    local word=${COMP_WORDS[COMP_CWORD]} words=''
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --kv) words='f16 f32 bf16 q8_0' ;;
    --isa) words='ref avx2 avx512 neon dotprod' ;;
    -[pndtrb] | --prompt | --tokens | --depth | --threads | --repeat | --batch) return ;; # a number
    *)
        if [[ $word != -* ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
        fi
        words=$("${COMP_WORDS[0]}" --help 2>/dev/null | grep -oE -- '(^| )--?[a-z]+')
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o filenames -F _infer_bench infer-bench
