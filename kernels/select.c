/* From the table of kernels.def to the set of kernels of one level. */
#include "kernels/kernel.h"

#define KERNEL(op, type, isa, function) inf_##op##_PROTOTYPE(function)
#define inf_QUANTIZE_PROTOTYPE(f) inf_quantize_fn f;
#define inf_MATMUL_PROTOTYPE(f) inf_matmul_fn f;
#define inf_RMSNORM_PROTOTYPE(f) inf_rmsnorm_fn f;
#define inf_LAYERNORM_PROTOTYPE(f) inf_layernorm_fn f;
#define inf_SOFTCAP_PROTOTYPE(f) inf_softcap_fn f;
#define inf_ROPE_PROTOTYPE(f) inf_rope_fn f;
#define inf_GLU_PROTOTYPE(f) inf_glu_fn f;
#define inf_KV_STORE_PROTOTYPE(f) inf_kv_store_fn f;
#define inf_ATTN_PROTOTYPE(f) inf_attn_fn f;
#define inf_ATTN_MERGE_PROTOTYPE(f) inf_attn_merge_fn f;
#define inf_CONV_PROTOTYPE(f) inf_conv_fn f;
#define inf_GATES_PROTOTYPE(f) inf_gates_fn f;
#define inf_RECUR_PROTOTYPE(f) inf_recur_fn f;
#include "kernels/kernels.def"
#undef KERNEL

#define INF_TYPE_NONE 0
#define INF_TYPE_ANY INF_TYPE_LIMIT

static const struct inf_kernel_row rows[] = {
#define KERNEL(op, type, isa, function)                                                            \
    {INF_OP_##op, INF_TYPE_##type, INF_ISA_##isa, #function, (void (*)(void))function},
#include "kernels/kernels.def"
#undef KERNEL
};

size_t inf_kernel_rows(const struct inf_kernel_row **out)
{
    *out = rows;
    return sizeof rows / sizeof *rows;
}

const char *inf_isa_name(enum inf_isa isa)
{
    static const char *const names[INF_ISA_COUNT] = {"ref",     "avx2",  "avx512", "neon",
                                                     "dotprod", "exact", "blas"};
    return names[isa];
}

/* The level whose rows stand in where `isa` has none; REF stands on itself. */
static enum inf_isa below(enum inf_isa isa)
{
    return isa == INF_ISA_AVX512    ? INF_ISA_AVX2
           : isa == INF_ISA_DOTPROD ? INF_ISA_NEON
                                    : INF_ISA_REF;
}

static void set_matmul(const struct inf_kernel_row *row, struct inf_kernels *out)
{
    inf_matmul_fn *function = (inf_matmul_fn *)row->function;
    if (row->isa == INF_ISA_BLAS) {
        out->approx[row->type] = function;
        return;
    }
    if (row->type != INF_TYPE_ANY) {
        out->matmul[row->type] = function;
        return;
    }
    for (uint32_t id = 0; id < INF_TYPE_LIMIT; id++) {
        const struct inf_type_info *type = inf_type_info(id);
        out->matmul[id] = type && type->form != INF_FORM_NUMBER ? function : NULL;
    }
}

static void set_row(const struct inf_kernel_row *row, struct inf_kernels *out)
{
    switch (row->op) {
    case INF_OP_QUANTIZE:
        out->quantize = (inf_quantize_fn *)row->function;
        break;
    case INF_OP_MATMUL:
        set_matmul(row, out);
        break;
    case INF_OP_RMSNORM:
        out->rmsnorm = (inf_rmsnorm_fn *)row->function;
        break;
    case INF_OP_LAYERNORM:
        out->layernorm = (inf_layernorm_fn *)row->function;
        break;
    case INF_OP_SOFTCAP:
        out->softcap = (inf_softcap_fn *)row->function;
        break;
    case INF_OP_ROPE:
        out->rope = (inf_rope_fn *)row->function;
        break;
    case INF_OP_GLU:
        out->glu = (inf_glu_fn *)row->function;
        break;
    case INF_OP_KV_STORE:
        out->kv_store = (inf_kv_store_fn *)row->function;
        break;
    case INF_OP_ATTN:
        out->attn = (inf_attn_fn *)row->function;
        break;
    case INF_OP_ATTN_MERGE:
        out->attn_merge = (inf_attn_merge_fn *)row->function;
        break;
    case INF_OP_CONV:
        out->conv = (inf_conv_fn *)row->function;
        break;
    case INF_OP_GATES:
        out->gates = (inf_gates_fn *)row->function;
        break;
    case INF_OP_RECUR:
        out->recur = (inf_recur_fn *)row->function;
        break;
    case INF_OP_COUNT:
        break;
    }
}

void inf_kernels_select(enum inf_isa isa, struct inf_kernels *out)
{
    if (isa != INF_ISA_REF)
        inf_kernels_select(below(isa), out);
    else
        *out = (struct inf_kernels){0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].isa == isa || (isa == INF_ISA_REF && rows[i].isa == INF_ISA_BLAS))
            set_row(&rows[i], out);
    out->isa = isa;
}
