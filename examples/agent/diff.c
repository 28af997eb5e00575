/* Unified diffs, after Myers, "An O(ND) difference algorithm and its variations" (1986). */
#include <stdlib.h>
#include <string.h>

#include "hands.h"

#define AROUND 3          /* lines shown around a change */
#define DISTANCE_MAX 1000 /* lines that differ before all is one change: the trace has its square */

struct line {
    const char *start;
    size_t len; /* with its line feed */
};

struct side {
    const char *data;
    uint32_t *starts; /* of each line, and the end */
    size_t count;
    bool *changed; /* one a line */
};

static bool split(const struct content *content, struct side *side)
{
    size_t count = 0;
    for (size_t at = 0; at < content->len; count++) {
        const char *end = memchr(content->data + at, '\n', content->len - at);
        at = end ? (size_t)(end - content->data) + 1 : content->len;
    }
    side->data = content->data;
    side->starts = calloc(count + 1, sizeof *side->starts); /* FILE_MAX fits */
    side->changed = calloc(count + 1, sizeof *side->changed);
    if (!side->starts || !side->changed || content->len > UINT32_MAX)
        return false;
    for (size_t at = 0; side->count < count;) {
        const char *end = memchr(content->data + at, '\n', content->len - at);
        at = end ? (size_t)(end - content->data) + 1 : content->len;
        side->starts[++side->count] = (uint32_t)at;
    }
    return true;
}

static struct line line_at(const struct side *side, size_t i)
{
    return (struct line){side->data + side->starts[i], side->starts[i + 1] - side->starts[i]};
}

static bool same(const struct side *a, size_t i, const struct side *b, size_t j)
{
    struct line x = line_at(a, i), y = line_at(b, j);
    return x.len == y.len && !memcmp(x.start, y.start, x.len);
}

/* Row d of the trace: the furthest x on diagonals -d..d, 2d + 1 of them. */
static int *row(int *trace, int d)
{
    return trace + (size_t)d * (size_t)d + d;
}

/* One step's furthest point on diagonal k, and whether it came by an insertion. */
static int furthest(const int *before, int d, int k, bool *down)
{
    *down = k == -d || (k != d && before[k - 1] < before[k + 1]);
    return *down ? before[k + 1] : before[k - 1] + 1;
}

/* Marks the lines that differ between n lines of a and m of b, from line `head` on. False: too many, or no
 * memory. */
static bool compare(struct side *a, int n, struct side *b, int m, size_t head)
{
    int most = n + m < DISTANCE_MAX ? n + m : DISTANCE_MAX, d, x = 0, y = 0;
    int *trace = malloc(((size_t)most + 1) * ((size_t)most + 1) * sizeof *trace);
    bool found = false, down = false;
    for (d = 0; trace && d <= most && !found; d++) {
        for (int k = -d; k <= d && !found; k += 2) {
            x = d ? furthest(row(trace, d - 1), d, k, &down) : 0;
            y = x - k;
            /* a diagonal that left the table holds no path; its x still bounds its neighbours */
            while (x < n && y < m && y >= 0 && same(a, head + (size_t)x, b, head + (size_t)y)) {
                x++;
                y++;
            }
            row(trace, d)[k] = x;
            found = x >= n && y >= m;
        }
    }
    for (d--; found && d > 0; d--) {
        int k = x - y;
        int from = furthest(row(trace, d - 1), d, k, &down);
        int before_x = down ? from : from - 1, before_y = down ? from - k - 1 : from - k;
        if (down)
            b->changed[head + (size_t)before_y] = true;
        else
            a->changed[head + (size_t)before_x] = true;
        x = before_x;
        y = before_y;
    }
    free(trace);
    return found;
}

static void add_line(struct text *t, char mark, struct line line)
{
    text_add(t, &mark, 1);
    text_add(t, line.start, line.len);
    if (line.start[line.len - 1] != '\n')
        text_format(t, "\n\\ No newline at end of file\n");
}

/* One hunk, from the lines where it begins on both sides. */
static void add_hunk(struct text *t, const struct side *a, const struct side *b, size_t *at_a,
                     size_t *at_b)
{
    size_t i = *at_a, j = *at_b, quiet = 0, end_a = i, end_b = j;
    size_t lead = i < AROUND ? i : AROUND;
    while ((i < a->count || j < b->count) && quiet <= 2 * AROUND) {
        bool removed = i < a->count && a->changed[i], added = j < b->count && b->changed[j];
        quiet = removed || added ? 0 : quiet + 1;
        i += removed || !added;
        j += !removed;
        if (!quiet) {
            end_a = i;
            end_b = j;
        }
    }
    size_t tail = a->count - end_a < AROUND ? a->count - end_a : AROUND;
    size_t count_a = end_a + tail - *at_a + lead, count_b = end_b + tail - *at_b + lead;
    text_format(t, "@@ -%zu,%zu +%zu,%zu @@\n", *at_a - lead + (count_a > 0), count_a,
                *at_b - lead + (count_b > 0), count_b);
    i = *at_a - lead;
    j = *at_b - lead;
    while (i < end_a + tail || j < end_b + tail) {
        if (i < end_a + tail && a->changed[i])
            add_line(t, '-', line_at(a, i++));
        else if (j < end_b + tail && b->changed[j])
            add_line(t, '+', line_at(b, j++));
        else {
            add_line(t, ' ', line_at(a, i++));
            j++;
        }
    }
    *at_a = end_a;
    *at_b = end_b;
}

static void add_hunks(struct text *t, const struct side *a, const struct side *b)
{
    size_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        if ((i < a->count && a->changed[i]) || (j < b->count && b->changed[j])) {
            add_hunk(t, a, b, &i, &j);
        } else {
            i++;
            j++;
        }
    }
}

void diff_add(struct text *t, const char *path, const struct content *before,
              const struct content *after)
{
    struct side a = {0}, b = {0};
    if (split(before, &a) && split(after, &b)) {
        size_t head = 0, tail = 0;
        while (head < a.count && head < b.count && same(&a, head, &b, head))
            head++;
        while (tail < a.count - head && tail < b.count - head &&
               same(&a, a.count - 1 - tail, &b, b.count - 1 - tail))
            tail++;
        size_t n = a.count - head - tail, m = b.count - head - tail;
        if (!compare(&a, (int)n, &b, (int)m, head)) {
            memset(a.changed + head, true, n);
            memset(b.changed + head, true, m);
        }
        text_format(t, before->exists ? "--- " : "--- (no file)\n");
        if (before->exists) {
            text_add_path(t, path);
            text_format(t, "\n");
        }
        text_format(t, after->exists ? "+++ " : "+++ (no file)\n");
        if (after->exists) {
            text_add_path(t, path);
            text_format(t, "\n");
        }
        add_hunks(t, &a, &b);
    } else {
        t->failed = true;
    }
    free(a.starts);
    free(a.changed);
    free(b.starts);
    free(b.changed);
}
