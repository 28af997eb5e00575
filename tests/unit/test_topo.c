/* The machine as files tell it: made-up roots with SMT, nodes, caches, and quotas of both versions. */
#include "lib/base/cgroup.h"
#include "lib/base/topo.h"
#include "lib/device/device.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

Suite *suite_topo(void);

static char root[64];
static struct inf_cpu_mask mask;
static struct inf_topo topo;

static void setup(void)
{
    strcpy(root, "/tmp/test_topo.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    memset(&mask, 0, sizeof mask);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void teardown(void)
{
    ck_assert(!nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS));
}

/* A file below the root, with the folders on its way. */
static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    ck_assert_msg(file && fputs(text, file) >= 0 && !fclose(file), "%s", full);
}

static void put_cpu(unsigned cpu, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/%s", cpu, name);
    put(path, text);
}

static void allow(unsigned first, unsigned last)
{
    for (unsigned cpu = first; cpu <= last; cpu++)
        CPU_SET_S(cpu, sizeof mask.sets, mask.sets);
}

static uint32_t threads(void)
{
    inf_topo_read_files(root, &mask, &topo);
    return inf_topo_threads(&topo);
}

START_TEST(nothing_known)
{
    ck_assert_uint_eq(threads(), 1); /* no processor at all */
    allow(0, 5);
    ck_assert_uint_eq(threads(), 6);
    ck_assert_uint_eq(topo.processors, 6);
    ck_assert_uint_eq(topo.nodes, 1);
    ck_assert_uint_eq(topo.quota, UINT32_MAX);
    ck_assert_uint_eq(topo.l1_bytes + topo.l2_bytes + topo.l3_bytes, 0);
}
END_TEST

/* 8 processors, n and n + 4 on one core. */
START_TEST(siblings)
{
    for (unsigned cpu = 0; cpu < 8; cpu++) {
        char list[32];
        snprintf(list, sizeof list, "%u,%u\n", cpu % 4, cpu % 4 + 4);
        put_cpu(cpu, "topology/thread_siblings_list", list);
    }
    allow(0, 7);
    ck_assert_uint_eq(threads(), 4);
    memset(&mask, 0, sizeof mask);
    allow(4, 7); /* the second halves alone */
    ck_assert_uint_eq(threads(), 4);
    allow(3, 3); /* and one first */
    ck_assert_uint_eq(threads(), 4);
    ck_assert_uint_eq(topo.processors, 5);
}
END_TEST

/* Four threads on a core; of the lower core only the upper two are ours. */
START_TEST(four_siblings)
{
    for (unsigned cpu = 0; cpu < 8; cpu++)
        put_cpu(cpu, "topology/thread_siblings_list", cpu < 4 ? "0-3\n" : "4-7\n");
    allow(2, 7);
    ck_assert_uint_eq(threads(), 2);
}
END_TEST

START_TEST(broken_lists)
{
    static const char *const broken[] = {
        "", "\n", "x", "-3", "5-", "0-99999999999999999999", "18446744073709551615"};
    allow(7, 7);
    allow(8000, 8000);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put_cpu(7, "topology/thread_siblings_list", broken[i]);
        uint32_t n = threads();
        ck_assert_msg(n == 2, "%s: %u", broken[i], n);
    }
}
END_TEST

START_TEST(caches)
{
    static const char *const rows[][3] = {{"1", "Data", "48K"},
                                          {"1", "Instruction", "32K"},
                                          {"2", "Unified", "2048K"},
                                          {"3", "Unified", "32M"}};
    allow(2, 3);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned field = 0; field < 3; field++) {
            static const char *const names[] = {"level", "type", "size"};
            char name[48], text[32];
            snprintf(name, sizeof name, "cache/index%u/%s", i, names[field]);
            snprintf(text, sizeof text, "%s\n", rows[i][field]);
            put_cpu(2, name, text);
        }
    threads();
    ck_assert_uint_eq(topo.l1_bytes, 48 << 10);
    ck_assert_uint_eq(topo.l2_bytes, 2 << 20);
    ck_assert_uint_eq(topo.l3_bytes, 32 << 20);
    put_cpu(2, "cache/index3/size", "huge");
    threads();
    ck_assert_uint_eq(topo.l3_bytes, 0);
}
END_TEST

START_TEST(nodes)
{
    put("/sys/devices/system/node/online", "0-1,4\n");
    put("/sys/devices/system/node/node0/cpulist", "0-3\n");
    put("/sys/devices/system/node/node1/cpulist", "4-7\n");
    put("/sys/devices/system/node/node4/cpulist", "\n"); /* memory alone */
    allow(0, 7);
    threads();
    ck_assert_uint_eq(topo.nodes, 2);
    memset(&mask, 0, sizeof mask);
    allow(5, 6);
    threads();
    ck_assert_uint_eq(topo.nodes, 1);
}
END_TEST

START_TEST(quota_v2)
{
    allow(0, 15);
    put("/sys/fs/cgroup/cpu.max", "max 100000\n");
    ck_assert_uint_eq(threads(), 16);
    put("/sys/fs/cgroup/cpu.max", "250000 100000\n");
    ck_assert_uint_eq(threads(), 3);
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(threads(), 1);
    put("/sys/fs/cgroup/cpu.max", "100000 0\n");
    ck_assert_uint_eq(threads(), 16);
    put("/sys/fs/cgroup/cpu.max", "max 100000\n");
    /* the group's own, and one above it that grants less */
    put("/proc/self/cgroup", "0::/user.slice/job\n");
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "800000 100000\n");
    ck_assert_uint_eq(threads(), 8);
    put("/sys/fs/cgroup/user.slice/cpu.max", "500000 100000\n");
    ck_assert_uint_eq(threads(), 5);
    /* a name from outside the container */
    put("/proc/self/cgroup", "0::/not/here\n");
    ck_assert_uint_eq(threads(), 16);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(threads(), 2);
}
END_TEST

START_TEST(quota_v1)
{
    allow(0, 15);
    put("/proc/self/cgroup", "3:cpuset:/a\n2:cpuacct,cpu:/docker/b\n0::/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(threads(), 16);
    put("/sys/fs/cgroup/cpu/docker/b/cpu.cfs_quota_us", "600000\n");
    put("/sys/fs/cgroup/cpu/docker/b/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(threads(), 6);
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n"); /* another controller's group */
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(threads(), 6);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
    ck_assert_uint_eq(threads(), 2);
    put("/proc/self/cgroup", "no such line\n::\n:\n");
    ck_assert_uint_eq(threads(), 2);
}
END_TEST

#define MIB ((uint64_t)1 << 20)

START_TEST(memory_v2)
{
    ck_assert_uint_eq(inf_memory_left(root), UINT64_MAX);
    put("/proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:       8192 kB\n");
    ck_assert_uint_eq(inf_memory_left(root), 8 * MIB);
    put("/sys/fs/cgroup/memory.max", "max\n");
    put("/sys/fs/cgroup/memory.current", "5000000\n");
    ck_assert_uint_eq(inf_memory_left(root), 8 * MIB);
    put("/sys/fs/cgroup/memory.max", "7340032\n"); /* 7 MiB, of which 2 are used */
    put("/sys/fs/cgroup/memory.current", "2097152\n");
    ck_assert_uint_eq(inf_memory_left(root), 5 * MIB);
    /* the group's own, and one above it that leaves less */
    put("/proc/self/cgroup", "0::/user.slice/job\n");
    put("/sys/fs/cgroup/user.slice/job/memory.max", "4194304\n");
    put("/sys/fs/cgroup/user.slice/job/memory.current", "0\n");
    ck_assert_uint_eq(inf_memory_left(root), 4 * MIB);
    put("/sys/fs/cgroup/user.slice/memory.max", "6291456\n");
    put("/sys/fs/cgroup/user.slice/memory.current", "5242880\n");
    ck_assert_uint_eq(inf_memory_left(root), 1 * MIB);
    /* file pages are given back */
    put("/sys/fs/cgroup/user.slice/memory.stat",
        "anon 1048576\nfile 9\nworkingset_active_file 7\ninactive_file 1048576\n"
        "active_file 1048576\n");
    ck_assert_uint_eq(inf_memory_left(root), 3 * MIB);
    put("/sys/fs/cgroup/user.slice/memory.stat", "active_file 99999999\n");
    ck_assert_uint_eq(inf_memory_left(root), 4 * MIB);
    put("/sys/fs/cgroup/user.slice/job/memory.current", "4194305\n");
    ck_assert_uint_eq(inf_memory_left(root), 0);
    put("/proc/self/cgroup", "0::/not/here\n"); /* a name from outside the container */
    ck_assert_uint_eq(inf_memory_left(root), 5 * MIB);
}
END_TEST

START_TEST(memory_v1)
{
    put("/proc/self/cgroup", "4:memory:/docker/b\n2:cpuacct,cpu:/a\n0::/\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "123\n");
    ck_assert_uint_ge(inf_memory_left(root), (uint64_t)1 << 62); /* no limit that matters */
    put("/sys/fs/cgroup/memory/docker/b/memory.limit_in_bytes", "4194304\n");
    put("/sys/fs/cgroup/memory/docker/b/memory.usage_in_bytes", "3145728\n");
    ck_assert_uint_eq(inf_memory_left(root), 1 * MIB);
    put("/sys/fs/cgroup/memory/docker/b/memory.stat",
        "inactive_file 5\nactive_file 6\ntotal_inactive_file 1048576\ntotal_active_file 0\n");
    ck_assert_uint_eq(inf_memory_left(root), 2 * MIB);
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1\n"); /* another controller's group */
    put("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "0\n");
    ck_assert_uint_eq(inf_memory_left(root), 2 * MIB);
    put("/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "1048576\n");
    put("/sys/fs/cgroup/memory/docker/memory.usage_in_bytes", "broken\n");
    ck_assert_uint_eq(inf_memory_left(root), 2 * MIB);
    put("/sys/fs/cgroup/memory/docker/memory.usage_in_bytes", "1\n");
    ck_assert_uint_eq(inf_memory_left(root), 1 * MIB - 1);
}
END_TEST

/* This machine, by whatever this build has. */
START_TEST(here)
{
    inf_topo_read(&topo);
    ck_assert_uint_ge(topo.processors, 1);
    ck_assert_uint_ge(topo.cores, 1);
    ck_assert_uint_le(topo.cores, topo.processors);
    ck_assert_uint_ge(topo.nodes, 1);
    ck_assert_uint_eq(inf_cpu_default_threads(), inf_topo_threads(&topo));
    struct inf_topo files = topo;
    memset(&mask, 0, sizeof mask);
    ck_assert(!sched_getaffinity(0, sizeof mask.sets, mask.sets));
    inf_topo_read_files("", &mask, &files);
    ck_assert_uint_eq(files.cores, topo.cores); /* hwloc and /sys agree */
    ck_assert_uint_eq(files.processors, topo.processors);
    ck_assert_uint_eq(files.quota, topo.quota);
}
END_TEST

Suite *suite_topo(void)
{
    Suite *suite = suite_create("topo");
    TCase *tcase = tcase_create("topo");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nothing_known);
    tcase_add_test(tcase, siblings);
    tcase_add_test(tcase, four_siblings);
    tcase_add_test(tcase, broken_lists);
    tcase_add_test(tcase, caches);
    tcase_add_test(tcase, nodes);
    tcase_add_test(tcase, quota_v2);
    tcase_add_test(tcase, quota_v1);
    tcase_add_test(tcase, memory_v2);
    tcase_add_test(tcase, memory_v1);
    tcase_add_test(tcase, here);
    suite_add_tcase(suite, tcase);
    return suite;
}
