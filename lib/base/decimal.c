/*
 * The C library reads and prints numbers with the locale's point. Which one that is shows when it
 * prints; it is put in and taken out again here.
 */
#include "lib/base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Turns what stands for the point into '.'; other signs than digits and letters are the point. */
static size_t with_point(char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+';
        if (plain)
            text[out++] = c;
        else if (!out || text[out - 1] != '.')
            text[out++] = '.';
    }
    text[out] = 0;
    return out;
}

/* Of text[len] without a NUL inside, which holds digits, a '.' and an exponent alone. */
static double read_checked(const char *text, size_t len)
{
    char copy[INF_NUMBER_MAX + 16], point[8];
    size_t used = 0;
    int shown = snprintf(point, sizeof point, "%.1f", 0.5); /* "0.5" with the locale's point */
    size_t point_len = shown > 2 ? inf_min_size((size_t)shown, sizeof point - 1) - 2 : 1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.') {
            memcpy(copy + used, point + 1, point_len);
            used += point_len;
        } else {
            copy[used++] = text[i];
        }
    }
    copy[used] = 0;
    return strtod(copy, NULL);
}

static size_t digits(const char *text, size_t len, size_t at)
{
    size_t start = at;
    while (at < len && text[at] >= '0' && text[at] <= '9')
        at++;
    return at - start;
}

bool inf_double_read(const char *text, size_t len, double *value)
{
    size_t at = len && (*text == '-' || *text == '+'), whole, part = 0;
    if (len > INF_NUMBER_MAX)
        return false;
    whole = digits(text, len, at);
    at += whole;
    if (at < len && text[at] == '.') {
        part = digits(text, len, at + 1);
        at += 1 + part;
    }
    if (!whole && !part)
        return false;
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < len && (text[at] == '-' || text[at] == '+');
        size_t power = digits(text, len, at);
        if (!power)
            return false;
        at += power;
    }
    if (at != len)
        return false;
    *value = read_checked(text, len);
    return true;
}

size_t inf_double_format(double value, char type, int precision, char out[INF_FORMAT_TEXT])
{
    if (isnan(value))
        return (size_t)snprintf(out, INF_FORMAT_TEXT, "nan");
    if (isinf(value))
        return (size_t)snprintf(out, INF_FORMAT_TEXT, value < 0 ? "-inf" : "inf");
    const char *format = type == 'e' ? "%.*e" : type == 'g' ? "%.*g" : "%.*f";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int len = snprintf(out, INF_FORMAT_TEXT, format, precision > 100 ? 100 : precision, value);
#pragma GCC diagnostic pop
    return with_point(out, inf_min_size((size_t)len, INF_FORMAT_TEXT - 1));
}

size_t inf_double_print(double value, char out[INF_DOUBLE_TEXT])
{
    char text[INF_FORMAT_TEXT], mantissa[32] = "";
    if (!isfinite(value)) {
        size_t len = inf_double_format(value, 'g', 1, text);
        memcpy(out, text, len + 1);
        return len;
    }
    size_t len = 0;
    for (int precision = 0; precision <= 16; precision++) {
        len = inf_double_format(value, 'e', precision, text);
        if (read_checked(text, len) == value)
            break;
    }
    /* "-d.ddde-xx" to its digits and its exponent */
    size_t count = 0, at = text[0] == '-';
    for (; at < len && text[at] != 'e'; at++)
        if (text[at] != '.')
            mantissa[count++] = text[at];
    int power = atoi(text + at + 1), used = 0;
    const char *sign = text[0] == '-' ? "-" : "";
    if (power < -4 || power >= 16)
        used = snprintf(out, INF_DOUBLE_TEXT, "%s%c%s%.*se%c%02d", sign, mantissa[0],
                        count > 1 ? "." : "", (int)count - 1, mantissa + 1, power < 0 ? '-' : '+',
                        abs(power));
    else if (power < 0)
        used = snprintf(out, INF_DOUBLE_TEXT, "%s0.%.*s%.*s", sign, -power - 1, "000", (int)count,
                        mantissa);
    else if ((size_t)power + 1 >= count)
        used = snprintf(out, INF_DOUBLE_TEXT, "%s%.*s%.*s.0", sign, (int)count, mantissa,
                        power + 1 - (int)count, "0000000000000000");
    else
        used = snprintf(out, INF_DOUBLE_TEXT, "%s%.*s.%.*s", sign, power + 1, mantissa,
                        (int)count - power - 1, mantissa + power + 1);
    return (size_t)used;
}
