/* SPDX-License-Identifier: MIT */
/*
 * The life of a task: create it, run it, take its result, drop it. One after
 * another, and 100,000 that are all alive before the first of them ends: in a
 * new process, where every stack is touched for the first time, and again.
 */
#include "case.h"

static int
empty(void *arg)
{
    (void) arg;
    return 0;
}

static int
one_by_one(void *arg)
{
    struct bench *bench = bench_of(arg);

    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++)
        join(asyncio_create_task(asyncio_coro(empty)));
    bench_stop(bench);
    return 0;
}

static int
yields_once(void *arg)
{
    (void) arg;
    return asyncio_sleep(0);
}

static void
all_alive(asyncio_task_t **tasks, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(yields_once));
    for (uint64_t i = 0; i < n; i++)
        join(tasks[i]);
}

static int
all_at_once(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_task_t **tasks = task_array(bench->n);

    if (bench->arg)
        all_alive(tasks, bench->n);
    bench_start(bench);
    all_alive(tasks, bench->n);
    bench_stop(bench);
    free(tasks);
    return 0;
}

static void
create(struct bench *bench)
{
    run_body(one_by_one, bench);
}

static void
alive(struct bench *bench)
{
    run_body(all_at_once, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "create", .run = create},
        {.name = "alive/cold", .run = alive, .n = 100000, .macro = true},
        {.name = "alive/warm",
         .run = alive,
         .arg = 1,
         .n = 100000,
         .macro = true},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
