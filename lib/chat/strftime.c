/* strftime_now: the caller's time as text, in the C locale. */
#include "lib/chat/value.h"

#include <stdio.h>
#include <string.h>

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

struct date {
    int64_t year;
    int month, day, weekday, yearday; /* month 0 ... 11, day 1 ..., weekday 0 Sunday */
    int hour, minute, second;
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static struct date date_of(int64_t now)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = now / 86400, second = now % 86400;
    if (second < 0) {
        second += 86400;
        day--;
    }
    struct date d = {.year = 1970,
                     .weekday = (int)(((day % 7) + 11) % 7),
                     .hour = (int)(second / 3600),
                     .minute = (int)(second / 60 % 60),
                     .second = (int)(second % 60)};
    int64_t cycles = day / 146097; /* of 400 years */
    day -= cycles * 146097;
    if (day < 0) {
        day += 146097;
        cycles--;
    }
    d.year += cycles * 400;
    for (int64_t length; day >= (length = is_leap(d.year) ? 366 : 365); d.year++)
        day -= length;
    d.yearday = (int)day;
    for (int length; day >= (length = lengths[d.month] + (d.month == 1 && is_leap(d.year)));
         d.month++)
        day -= length;
    d.day = (int)day + 1;
    return d;
}

/* One directive; false where it is not known. */
static bool directive(const struct date *d, char c, char out[64])
{
    const int size = 64;
    int hour = d->hour % 12 ? d->hour % 12 : 12;
    switch (c) {
    case 'a':
        return snprintf(out, size, "%.3s", days[d->weekday]);
    case 'A':
        return snprintf(out, size, "%s", days[d->weekday]);
    case 'b':
    case 'h':
        return snprintf(out, size, "%.3s", months[d->month]);
    case 'B':
        return snprintf(out, size, "%s", months[d->month]);
    case 'c':
        return snprintf(out, size, "%.3s %.3s %2d %02d:%02d:%02d %lld", days[d->weekday],
                        months[d->month], d->day, d->hour, d->minute, d->second,
                        (long long)d->year);
    case 'd':
        return snprintf(out, size, "%02d", d->day);
    case 'e':
        return snprintf(out, size, "%2d", d->day);
    case 'D':
    case 'x':
        return snprintf(out, size, "%02d/%02d/%02d", d->month + 1, d->day, (int)(d->year % 100));
    case 'F':
        return snprintf(out, size, "%lld-%02d-%02d", (long long)d->year, d->month + 1, d->day);
    case 'f':
        return snprintf(out, size, "000000");
    case 'H':
        return snprintf(out, size, "%02d", d->hour);
    case 'I':
        return snprintf(out, size, "%02d", hour);
    case 'j':
        return snprintf(out, size, "%03d", d->yearday + 1);
    case 'm':
        return snprintf(out, size, "%02d", d->month + 1);
    case 'M':
        return snprintf(out, size, "%02d", d->minute);
    case 'p':
        return snprintf(out, size, d->hour < 12 ? "AM" : "PM");
    case 'R':
        return snprintf(out, size, "%02d:%02d", d->hour, d->minute);
    case 'S':
        return snprintf(out, size, "%02d", d->second);
    case 'T':
    case 'X':
        return snprintf(out, size, "%02d:%02d:%02d", d->hour, d->minute, d->second);
    case 'u':
        return snprintf(out, size, "%d", d->weekday ? d->weekday : 7);
    case 'U':
        return snprintf(out, size, "%02d", (d->yearday + 7 - d->weekday) / 7);
    case 'w':
        return snprintf(out, size, "%d", d->weekday);
    case 'W':
        return snprintf(out, size, "%02d", (d->yearday + 7 - (d->weekday + 6) % 7) / 7);
    case 'y':
        return snprintf(out, size, "%02d", (int)(d->year % 100));
    case 'Y':
        return snprintf(out, size, "%lld", (long long)d->year);
    case 'n':
        return snprintf(out, size, "\n");
    case 't':
        return snprintf(out, size, "\t");
    case '%':
        return snprintf(out, size, "%%");
    case 'z':
    case 'Z': /* the time has no zone */
        *out = 0;
        return true;
    default:
        return false;
    }
}

bool inf_strftime(struct inf_render *r, const char *format, size_t len, struct inf_value *out)
{
    struct date d = date_of(r->now);
    struct inf_buffer *b = inf_buffer_new(r, len + 16);
    for (size_t i = 0; b && i < len; i++) {
        char text[64];
        size_t plain = i + 1 < len && format[i] == '%' ? 0 : 1;
        if (!plain && i + 2 < len && format[i + 1] == '-') { /* without a leading zero */
            if (!directive(&d, format[i + 2], text))
                return inf_fault(r, "strftime_now knows no %%-%c", format[i + 2]);
            size_t zeros = text[0] == '0' && text[1] ? 1 : 0;
            if (!inf_buffer_add(r, b, text + zeros, strlen(text + zeros), false))
                return false;
            i += 2;
        } else if (plain) {
            if (!inf_buffer_add(r, b, format + i, 1, false))
                return false;
        } else {
            if (!directive(&d, format[++i], text))
                return inf_fault(r, "strftime_now knows no %%%c", format[i]);
            if (!inf_buffer_add(r, b, text, strlen(text), false))
                return false;
        }
    }
    if (!b)
        return false;
    *out = inf_buffer_value(b);
    return true;
}
