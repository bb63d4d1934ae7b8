/* SPDX-License-Identifier: MIT */
/*
 * One million tasks asleep at once, and what each costs: resident memory and
 * page tables, as the kernel counts them.
 */
#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 1000 * 1000 };

/* A line of /proc/self/status, in KiB. */
static long
status_kib(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    size_t length = strlen(key);
    char line[256];
    long kib = 0;

    ck_assert_ptr_nonnull(file);
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            kib = strtol(line + length + 1, NULL, 10);
    fclose(file);
    return kib;
}

/* Of the machine, in KiB: pages and the tables for them must fit. */
static long
available_kib(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[256];
    long kib = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %ld", &kib) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kib;
}

static int
sleep_together(void *arg)
{
    asyncio_task_t **tasks = malloc(TASKS * sizeof *tasks);
    long rss = status_kib("VmRSS"), tables = status_kib("VmPTE");
    int r = 0;

    (void) arg;
    ck_assert_ptr_nonnull(tasks);
    for (int i = 0; i < TASKS; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(nap, .seconds = 3600));
    r = asyncio_sleep(1);
    rss = status_kib("VmRSS") - rss;
    tables = status_kib("VmPTE") - tables;
    for (int i = 0; i < TASKS; i++)
        ck_assert(!asyncio_task_done(tasks[i]));
    fprintf(stderr,
            "# %d tasks asleep: %ld bytes each resident, %ld of page tables\n",
            TASKS, rss * 1024 / TASKS, tables * 1024 / TASKS);
    if (r == 0)
        r = asyncio_sleep(3600);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(asyncio_task_result(tasks[i]), 0);
    asyncio_future_unref_array(tasks, TASKS);
    free(tasks);
    return r;
}

PLAIN(a_million_tasks_sleep_at_once, .timeout = 300)
{
    if (available_kib() < 8 * 1024 * 1024) {
        fprintf(stderr, "# skipped: it takes 8 GiB\n");
        return;
    }
    assert_r(asyncio_testing_run(asyncio_coro(sleep_together)), 0);
}
