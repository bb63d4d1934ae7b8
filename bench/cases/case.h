/* SPDX-License-Identifier: MIT */
/*
 * What the cases of libasyncio share: run a coroutine to its end, and end the
 * program with a sentence when something fails, for a case that measures a
 * failure measures nothing.
 */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include "bench.h"

#include <asyncio.h>
#include <asyncio/testing.h>
#include <stdio.h>
#include <stdlib.h>

/* Through must(), which knows where it stands. */
static inline int
must_at(int r, const char *file, int line)
{
    if (__builtin_expect(r < 0, 0)) {
        fprintf(stderr, "%s:%d: %s: %s\n", file, line, asyncio_err_name(r),
                asyncio_strerror(r));
        exit(1);
    }
    return r;
}

#define must(call) must_at((call), __FILE__, __LINE__)

/* The body of a case is a coroutine whose frame is the struct bench. */
static inline void
run_body(asyncio_coro_fn_t body, struct bench *bench)
{
    /* The frame is copied, so hand over where the real one is. */
    struct bench *frame = bench;
    asyncio_coro_t coro = asyncio_coro_new(body, &frame, sizeof frame);

    /* On the virtual clock nothing depends on how long a pass takes. */
    must(bench->counted ? asyncio_testing_run(coro) : asyncio_run(coro));
}

/* In the body: the struct bench. */
static inline struct bench *
bench_of(void *frame)
{
    return *(struct bench **) frame;
}

/* A task that was made, waited for and dropped. */
static inline void
join(asyncio_task_t *task)
{
    must(asyncio_await(task));
    asyncio_task_unref(task);
}

static inline asyncio_task_t **
task_array(uint64_t n)
{
    asyncio_task_t **tasks = calloc(n, sizeof(asyncio_task_t *));
    if (tasks == NULL)
        abort();
    return tasks;
}

#endif
