/* SPDX-License-Identifier: MIT */
/*
 * What a behaviour must leave as it found it: the open file descriptors, and
 * the library's own counters. Both are taken in the child that runs the body,
 * because only there its leftovers exist.
 *
 * libuv opens a pipe for signals with the first loop of a process and keeps
 * it; so one loop is opened and closed before anything is counted.
 */
#include "behaviour.h"

#include "base/counters.h"
#include "loop/exception.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { FDS_MAX = 4096 };

static const char *const counter_names[AIO__COUNTERS] = {
    [AIO__COUNT_TASKS] = "tasks",     [AIO__COUNT_OPS] = "ops",
    [AIO__COUNT_HANDLES] = "handles", [AIO__COUNT_FDS] = "fds",
    [AIO__COUNT_STACKS] = "stacks",   [AIO__COUNT_BYTES] = "bytes",
};

struct behaviour_state {
    int64_t counters[AIO__COUNTERS];
    bool open[FDS_MAX]; /* by descriptor */
};

static void
take(struct behaviour_state *state)
{
    /* A thread keeps the detail of its newest error. */
    aio__raise_exception(0, NULL);
    memset(state, 0, sizeof *state);
    for (int i = 0; i < AIO__COUNTERS; i++)
        state->counters[i] = aio__counters_sum((enum aio__counter) i);

    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        ck_abort_msg("/proc/self/fd cannot be read");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(dir) && fd < FDS_MAX)
            state->open[fd] = true;
    }
    closedir(dir);
}

static void
open_what_libuv_keeps(void)
{
    static bool done;
    uv_loop_t loop;

    if (done || uv_loop_init(&loop) != 0)
        return;
    uv_loop_close(&loop);
    done = true;
}

struct behaviour_state *
behaviour_state_take(void)
{
    open_what_libuv_keeps();
    struct behaviour_state *state = malloc(sizeof *state);
    if (state == NULL)
        ck_abort_msg("no memory for a test");
    take(state);
    return state;
}

/* What a descriptor is: "socket:[123]", a path. */
static const char *
fd_name(int fd, char *name, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, name, size - 1);
    name[n < 0 ? 0 : n] = '\0';
    return name;
}

void
behaviour_state_compare(struct behaviour_state *before,
                        const struct behaviour *b, const char *when)
{
    static struct behaviour_state after;
    char text[2048] = "";
    size_t n = 0;

    take(&after);
    for (int i = 0; i < AIO__COUNTERS; i++)
        if (after.counters[i] != before->counters[i] && n < sizeof text)
            n += (size_t) snprintf(text + n, sizeof text - n,
                                   " %s: %lld before, %lld after;",
                                   counter_names[i],
                                   (long long) before->counters[i],
                                   (long long) after.counters[i]);
    for (int fd = 0; fd < FDS_MAX; fd++) {
        char name[256];
        if (after.open[fd] != before->open[fd] && n < sizeof text)
            n += (size_t) snprintf(text + n, sizeof text - n,
                                   " fd %d %s %s;", fd,
                                   after.open[fd] ? "left open:" : "closed",
                                   fd_name(fd, name, sizeof name));
    }
    free(before);
    if (n > 0 && !b->options.leaks)
        _ck_assert_failed(b->test.file, b->test.line, b->test.name,
                          "%snot as before:%s", when, text);
}
