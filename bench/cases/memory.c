/* SPDX-License-Identifier: MIT */
/*
 * What a sleeping task takes: bytes resident, bytes of page tables, and
 * mappings in all; at the default stack size and at 64 KiB.
 */
#include "case.h"

static int
sleeping(void *arg)
{
    (void) arg;
    return asyncio_sleep(3600);
}

static int
measure(struct bench *bench, size_t stack_size)
{
    asyncio_task_t **tasks = task_array((uint64_t) bench->arg);

    bench_memory(); /* warms stdio, which is not the tasks' */
    struct bench_memory before = bench_memory();
    for (long i = 0; i < bench->arg; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(sleeping),
                                       .stack_size = stack_size);
    must(asyncio_sleep(0));
    must(asyncio_sleep(0));
    bench_memory_since(bench, before, (uint64_t) bench->arg);
    for (long i = 0; i < bench->arg; i++)
        asyncio_task_cancel(tasks[i]);
    must(asyncio_wait(tasks, (size_t) bench->arg));
    asyncio_future_unref_array(tasks, (size_t) bench->arg);
    free(tasks);
    return 0;
}

static int
body_default(void *arg)
{
    return measure(bench_of(arg), 0);
}

static int
body_small(void *arg)
{
    return measure(bench_of(arg), 64 * 1024);
}

static void
memory_default(struct bench *bench)
{
    run_body(body_default, bench);
}

static void
memory_small(struct bench *bench)
{
    run_body(body_small, bench);
}

#define MEMORY(tasks)                                                         \
    {                                                                         \
        .name = "memory/" #tasks, .run = memory_default, .arg = tasks,        \
        .n = 1, .macro = true                                                 \
    },                                                                        \
    {                                                                         \
        .name = "memory/" #tasks, .run = memory_small, .arg = tasks, .n = 1,  \
        .macro = true, .peer = "libasyncio 64 KiB"                            \
    }

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        MEMORY(10000),
        MEMORY(100000),
        MEMORY(1000000),
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
