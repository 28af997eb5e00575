/* Statements, macros and loops: what writes the prompt. */
#include "lib/chat/template.h"

#include "lib/base/limits.h"

#include <string.h>

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAILED };

static enum flow execute(struct inf_render *r, struct inf_frame *frame,
                         const struct inf_node *node);

static struct inf_frame *new_frame(struct inf_render *r, struct inf_frame *parent)
{
    struct inf_frame *frame = inf_render_take(r, 1, sizeof *frame);
    if (frame)
        frame->parent = parent;
    return frame;
}

/* Runs a body in a scope of its own; what it writes becomes a text. */
static bool capture(struct inf_render *r, struct inf_frame *frame, const struct inf_node *body,
                    struct inf_value *out)
{
    struct inf_buffer *outer = r->out, *own = inf_buffer_new(r, 0);
    if (!frame || !own)
        return false;
    r->out = own;
    bool done = inf_execute(r, frame, body);
    r->out = outer;
    *out = inf_buffer_value(own);
    return done;
}

/* ---- Assignments --------------------------------------------------------------------------- */

static bool assign(struct inf_render *r, struct inf_frame *frame, const struct inf_node *target,
                   const struct inf_value *value)
{
    struct inf_sequence items;
    if (target->kind == INF_NODE_NAME)
        return inf_space_set(r, &frame->names, target->name, value);
    r->at = target->at;
    if (target->kind == INF_NODE_TARGET_SPACE) {
        struct inf_node name = {.kind = INF_NODE_NAME, .at = target->at, .name = target->name};
        struct inf_value space;
        if (!inf_evaluate(r, frame, &name, &space))
            return false;
        if (space.kind != INF_NAMESPACE)
            return inf_fault(r, "only a namespace's names can be set, not those of a %s",
                             inf_kind_name(&space));
        return inf_space_set(r, space.as.space, target->items[0]->name, value);
    }
    if (!inf_value_items(r, value, &items))
        return false;
    if (items.count != target->count)
        return inf_fault(r, "%u names for %u values", target->count, items.count);
    for (uint32_t i = 0; i < target->count; i++)
        if (!assign(r, frame, target->items[i], &items.items[i]))
            return false;
    return true;
}

static bool set(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_value value;
    if (node->kind == INF_NODE_SET)
        return inf_evaluate(r, frame, node->items[1], &value) &&
               assign(r, frame, node->items[0], &value);
    return capture(r, new_frame(r, frame), node->items[1], &value) &&
           inf_evaluate_postfix(r, frame, node->items[2], NULL, &value) &&
           assign(r, frame, node->items[0], &value);
}

/* ---- Loops --------------------------------------------------------------------------------- */

/* The items that the loop's test lets through. */
static bool filter_items(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                         struct inf_sequence *items)
{
    struct inf_value kept;
    uint32_t count = 0;
    if (!inf_sequence_new(r, INF_LIST, items->count, &kept))
        return false;
    for (uint32_t i = 0; i < items->count; i++) {
        struct inf_value passes;
        struct inf_frame *scope = new_frame(r, frame);
        if (!scope || !assign(r, scope, node->items[0], &items->items[i]) ||
            !inf_evaluate(r, scope, node->items[2], &passes))
            return false;
        if (inf_truth(&passes))
            kept.as.sequence->items[count++] = items->items[i];
    }
    *items = (struct inf_sequence){.items = kept.as.sequence->items, .count = count};
    return true;
}

/* What a loop walks over; a range stays one. */
static bool set_items(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                      const struct inf_value *list, struct inf_loop *loop)
{
    if (list->kind == INF_RANGE && !node->items[2]) {
        loop->range = list->as.range;
        loop->items.count = (uint32_t)list->as.range->count;
        return true;
    }
    return inf_value_items(r, list, &loop->items) &&
           (!node->items[2] || filter_items(r, frame, node, &loop->items));
}

static struct inf_value item_of(const struct inf_loop *loop, uint32_t index)
{
    return loop->range ? inf_int(loop->range->start + index * loop->range->step)
                       : loop->items.items[index];
}

static enum flow loop_over(struct inf_render *r, struct inf_frame *frame,
                           const struct inf_node *node, const struct inf_value *list,
                           uint32_t depth)
{
    struct inf_loop *loop = inf_render_take(r, 1, sizeof *loop);
    struct inf_frame *scope = NULL;
    if (!loop)
        return FLOW_FAILED;
    *loop = (struct inf_loop){.node = node, .outside = frame, .depth = depth};
    if (!set_items(r, frame, node, list, loop))
        return FLOW_FAILED;
    struct inf_value value = {.kind = INF_LOOP, .as.loop = loop};
    for (uint32_t i = 0; i < loop->items.count; i++) {
        struct inf_value item = item_of(loop, i);
        if (!scope || node->op)
            scope = new_frame(r, frame);
        loop->index = i;
        if (!scope)
            return FLOW_FAILED;
        scope->names.count = 0;
        if (!inf_space_set(r, &scope->names, (struct inf_bytes){"loop", 4}, &value) ||
            !assign(r, scope, node->items[0], &item))
            return FLOW_FAILED;
        enum flow flow = execute(r, scope, node->items[3]);
        if (flow == FLOW_FAILED)
            return flow;
        if (flow == FLOW_BREAK)
            break;
    }
    if (!loop->items.count && node->items[4]) {
        scope = new_frame(r, frame);
        return scope ? execute(r, scope, node->items[4]) : FLOW_FAILED;
    }
    return FLOW_NEXT;
}

static bool call_loop(struct inf_render *r, const struct inf_loop *loop,
                      const struct inf_args *args, struct inf_value *out)
{
    if (!loop->node->flag)
        return inf_fault(r, "loop() needs a loop that is marked recursive");
    if (args->count != 1 || args->name_count)
        return inf_fault(r, "loop() takes one list");
    struct inf_buffer *outer = r->out, *own = inf_buffer_new(r, 0);
    if (!own)
        return false;
    r->out = own;
    enum flow flow = loop_over(r, loop->outside, loop->node, &args->items[0], loop->depth + 1);
    r->out = outer;
    *out = inf_buffer_value(own);
    return flow != FLOW_FAILED;
}

static bool loop_attribute(struct inf_render *r, const struct inf_loop *loop, struct inf_bytes name,
                           struct inf_value *out, bool *found)
{
    uint32_t index = loop->index, count = loop->items.count;
    const struct {
        const char *name;
        struct inf_value value;
    } numbers[] = {
        {"index", inf_int(index + 1)},        {"index0", inf_int(index)},
        {"revindex", inf_int(count - index)}, {"revindex0", inf_int((int64_t)count - index - 1)},
        {"first", inf_bool(index == 0)},      {"last", inf_bool(index + 1 == count)},
        {"length", inf_int(count)},           {"depth", inf_int(loop->depth + 1)},
        {"depth0", inf_int(loop->depth)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (inf_bytes_equal(name, numbers[i].name)) {
            *out = numbers[i].value;
            return true;
        }
    bool before = inf_bytes_equal(name, "previtem"), after = inf_bytes_equal(name, "nextitem");
    if ((before && index) || (after && index + 1 < count))
        *out = item_of(loop, before ? index - 1 : index + 1);
    else if (before || after)
        return inf_undefined(r, name, "loop", out);
    else
        *found = false;
    return true;
}

bool inf_object_attribute(struct inf_render *r, const struct inf_value *v, struct inf_bytes name,
                          struct inf_value *out, bool *found)
{
    if (v->kind == INF_LOOP)
        return loop_attribute(r, v->as.loop, name, out, found);
    *found = true;
    if (v->kind == INF_MACRO && inf_bytes_equal(name, "name"))
        return inf_text_borrow(r, v->as.macro->node->name.ptr, v->as.macro->node->name.len, true,
                               out);
    if (v->kind == INF_CYCLER && v->as.space->count && inf_bytes_equal(name, "current")) {
        const struct inf_namespace *space = v->as.space;
        *out = space->items[space->position % space->count].value;
        return true;
    }
    *found = false;
    return true;
}

/* ---- Macros -------------------------------------------------------------------------------- */

static bool is_used(const struct inf_node *node, unsigned what)
{
    return (unsigned)node->op & what;
}

/* Arguments beyond the parameters: varargs, kwargs and caller, where the macro uses them. */
static bool bind_rest(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node,
                      const struct inf_args *args, const bool *taken)
{
    size_t parameters = node->count - 1, rest = 0, names = 0;
    if (args->count > parameters) {
        if (!is_used(node, INF_USES_VARARGS))
            return inf_fault(r, "macro '%.*s' takes at most %zu arguments, %zu are given",
                             (int)inf_min_size(node->name.len, 60), node->name.ptr, parameters,
                             args->count);
        rest = args->count - parameters;
    }
    struct inf_value varargs, kwargs;
    struct inf_entry *entries = inf_render_take(r, args->name_count, sizeof *entries);
    if (!entries || !inf_sequence_new(r, INF_TUPLE, rest, &varargs))
        return false;
    for (size_t i = 0; i < rest; i++)
        varargs.as.sequence->items[i] = args->items[parameters + i];
    for (size_t i = 0; i < args->name_count; i++) {
        const struct inf_binding *given = &args->names[i];
        bool caller = inf_bytes_equal(given->name, "caller");
        if (taken[i])
            continue;
        if (caller && is_used(node, INF_USES_CALLER)) {
            if (!inf_space_set(r, &frame->names, given->name, &given->value))
                return false;
        } else if (is_used(node, INF_USES_KWARGS)) {
            if (!inf_text_borrow(r, given->name.ptr, given->name.len, true, &entries[names].key))
                return false;
            entries[names++].value = given->value;
        } else {
            return inf_fault(r, "macro '%.*s' takes no argument '%.*s'",
                             (int)inf_min_size(node->name.len, 60), node->name.ptr,
                             (int)inf_min_size(given->name.len, 60), given->name.ptr);
        }
    }
    if (is_used(node, INF_USES_VARARGS) &&
        !inf_space_set(r, &frame->names, (struct inf_bytes){"varargs", 7}, &varargs))
        return false;
    return !is_used(node, INF_USES_KWARGS) ||
           (inf_dict_new(r, entries, names, &kwargs) &&
            inf_space_set(r, &frame->names, (struct inf_bytes){"kwargs", 6}, &kwargs));
}

static bool bind_parameter(struct inf_render *r, struct inf_frame *frame,
                           const struct inf_node *parameter, const struct inf_args *args,
                           size_t place, bool *taken)
{
    struct inf_value value;
    const struct inf_value *given = place < args->count ? &args->items[place] : NULL;
    for (size_t i = 0; i < args->name_count; i++) {
        const struct inf_binding *named = &args->names[i];
        if (named->name.len != parameter->name.len ||
            memcmp(named->name.ptr, parameter->name.ptr, named->name.len) != 0)
            continue;
        if (given)
            return inf_fault(r, "argument '%.*s' is given twice",
                             (int)inf_min_size(named->name.len, 60), named->name.ptr);
        given = &named->value;
        taken[i] = true;
    }
    if (!given) {
        bool done = parameter->count ? inf_evaluate(r, frame, parameter->items[0], &value)
                                     : inf_undefined(r, parameter->name, NULL, &value);
        if (!done)
            return false;
        given = &value;
    }
    return inf_space_set(r, &frame->names, parameter->name, given);
}

static bool call_macro(struct inf_render *r, const struct inf_macro *macro,
                       const struct inf_args *args, struct inf_value *out)
{
    const struct inf_node *node = macro->node;
    struct inf_frame *frame = new_frame(r, macro->frame);
    bool *taken = inf_render_take(r, args->name_count, sizeof *taken);
    if (!frame || !taken)
        return false;
    for (uint32_t i = 1; i < node->count; i++)
        if (!bind_parameter(r, frame, node->items[i], args, i - 1, taken))
            return false;
    return bind_rest(r, frame, node, args, taken) && capture(r, frame, node->items[0], out);
}

bool inf_value_call(struct inf_render *r, const struct inf_value *callee,
                    const struct inf_args *args, struct inf_value *out)
{
    bool done;
    if (!inf_render_enter(r))
        return false;
    switch ((enum inf_kind)callee->kind) {
    case INF_FUNCTION:
        done =
            inf_builtin_run(r, callee->as.function->builtin, &callee->as.function->self, args, out);
        break;
    case INF_MACRO:
        done = call_macro(r, callee->as.macro, args, out);
        break;
    case INF_LOOP:
        done = call_loop(r, callee->as.loop, args, out);
        break;
    case INF_UNDEFINED:
        done = inf_undefined_fail(r, callee);
        break;
    default:
        done = inf_fault(r, "a %s cannot be called", inf_kind_name(callee));
    }
    inf_render_leave(r);
    return done;
}

/* ---- Statements ---------------------------------------------------------------------------- */

static bool output(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_value value;
    if (!inf_evaluate(r, frame, node->items[0], &value))
        return false;
    r->at = node->at;
    return inf_value_print(r, r->out, &value);
}

static enum flow branch(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    uint32_t i = 0;
    for (; i + 1 < node->count; i += 2) {
        struct inf_value test;
        if (!inf_evaluate(r, frame, node->items[i], &test))
            return FLOW_FAILED;
        if (inf_truth(&test))
            return execute(r, frame, node->items[i + 1]);
    }
    return i < node->count ? execute(r, frame, node->items[i]) : FLOW_NEXT;
}

static enum flow with(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_frame *scope = new_frame(r, frame);
    struct inf_value value;
    for (uint32_t i = 1; scope && i + 1 < node->count; i += 2)
        if (!inf_evaluate(r, frame, node->items[i + 1], &value) ||
            !assign(r, scope, node->items[i], &value))
            return FLOW_FAILED;
    return scope ? execute(r, scope, node->items[0]) : FLOW_FAILED;
}

static bool define_macro(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_macro *macro = inf_render_take(r, 1, sizeof *macro);
    if (!macro)
        return false;
    *macro = (struct inf_macro){node, frame};
    struct inf_value value = {.kind = INF_MACRO, .as.macro = macro};
    return inf_space_set(r, &frame->names, node->name, &value);
}

static bool call_block(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_value value;
    return inf_evaluate(r, frame, node->items[0]->items[0], &value) &&
           inf_evaluate_postfix(r, frame, node->items[0], node->items[1], &value) &&
           inf_value_print(r, r->out, &value);
}

static bool filter_block(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_value value;
    return capture(r, new_frame(r, frame), node->items[0], &value) &&
           inf_evaluate_postfix(r, frame, node->items[1], NULL, &value) &&
           inf_value_print(r, r->out, &value);
}

static enum flow body(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    enum flow flow = FLOW_NEXT;
    for (uint32_t i = 0; i < node->count && flow == FLOW_NEXT; i++)
        flow = execute(r, frame, node->items[i]);
    return flow;
}

static enum flow loop(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    struct inf_value list;
    if (!inf_evaluate(r, frame, node->items[1], &list))
        return FLOW_FAILED;
    r->at = node->items[1]->at;
    return loop_over(r, frame, node, &list, 0);
}

static enum flow done_or_failed(bool done)
{
    return done ? FLOW_NEXT : FLOW_FAILED;
}

static enum flow run(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    switch ((enum inf_node_kind)node->kind) {
    case INF_NODE_BODY:
        return body(r, frame, node);
    case INF_NODE_TEXT:
        return done_or_failed(inf_buffer_add_text(r, r->out, &node->value.as.text));
    case INF_NODE_OUTPUT:
        return done_or_failed(output(r, frame, node));
    case INF_NODE_IF:
        return branch(r, frame, node);
    case INF_NODE_FOR:
        return loop(r, frame, node);
    case INF_NODE_SET:
    case INF_NODE_SET_BLOCK:
        return done_or_failed(set(r, frame, node));
    case INF_NODE_MACRO:
        return done_or_failed(define_macro(r, frame, node));
    case INF_NODE_CALL_BLOCK:
        return done_or_failed(call_block(r, frame, node));
    case INF_NODE_FILTER_BLOCK:
        return done_or_failed(filter_block(r, frame, node));
    case INF_NODE_WITH:
        return with(r, frame, node);
    case INF_NODE_BREAK:
        return FLOW_BREAK;
    case INF_NODE_CONTINUE:
        return FLOW_CONTINUE;
    default:
        return done_or_failed(inf_fault(r, "this is no statement"));
    }
}

static enum flow execute(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    r->at = node->at;
    if (!inf_render_spend(r, 1) || !inf_render_enter(r))
        return FLOW_FAILED;
    enum flow flow = run(r, frame, node);
    inf_render_leave(r);
    return flow;
}

bool inf_execute(struct inf_render *r, struct inf_frame *frame, const struct inf_node *node)
{
    return execute(r, frame, node) != FLOW_FAILED;
}
