/*
 * What the system grants this process, as the files of /proc and /sys tell it: `root` is put before
 * every path ("" for this machine).
 */
#ifndef INF_CGROUP_H
#define INF_CGROUP_H

#include "lib/base/base.h"

#define INF_SYS_TEXT 4096

/* The beginning of a small file as text; false where there is none. */
bool inf_sys_read(char text[INF_SYS_TEXT], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A number of decimal digits alone at *at, which is moved behind it. */
bool inf_sys_number(const char **at, uint64_t *value);

/* Whole processors that the process' cgroups (version 2 and 1) grant; UINT32_MAX: no limit. */
uint32_t inf_cgroup_cpus(const char *root);

/* Bytes that the process may still take: MemAvailable, and what each of its cgroups leaves; UINT64_MAX
 * where nothing is known. File pages that a cgroup holds count as free, as MemAvailable has it: the
 * kernel gives them back first. */
uint64_t inf_memory_left(const char *root);

#endif
