/* SPDX-License-Identifier: MIT */
/*
 * libuv alone: as many timers as the others have sleeping tasks. It is the
 * floor of a library that uses libuv's own timers, and no task is behind them.
 */
#include "bench.h"

#include <stdlib.h>
#include <uv.h>

static void
on_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *) timer, NULL);
}

static void
timers(struct bench *bench)
{
    uv_loop_t *loop = uv_default_loop();
    uint32_t seed = 42;

    bench_start(bench);
    uv_timer_t *all = malloc((size_t) bench->arg * sizeof *all);
    if (all == NULL)
        abort();
    for (long i = 0; i < bench->arg; i++) {
        uv_timer_init(loop, &all[i]);
        uv_timer_start(&all[i], on_timer, bench_random(&seed) % 1001, 0);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    free(all);
    bench_stop(bench);
}

static void
memory(struct bench *bench)
{
    uv_loop_t *loop = uv_default_loop();

    bench_memory();
    struct bench_memory before = bench_memory();
    uv_timer_t *all = malloc((size_t) bench->arg * sizeof *all);
    for (long i = 0; i < bench->arg; i++) {
        uv_timer_init(loop, &all[i]);
        uv_timer_start(&all[i], on_timer, 3600 * 1000, 0);
    }
    uv_run(loop, UV_RUN_NOWAIT);
    bench_memory_since(bench, before, (uint64_t) bench->arg);
}

static uint64_t left;

static void
on_work(uv_work_t *work)
{
    (void) work;
}

static void
on_worked(uv_work_t *work, int status)
{
    (void) status;
    if (--left > 0)
        uv_queue_work(work->loop, work, on_work, on_worked);
}

static void
to_thread(struct bench *bench)
{
    uv_work_t work;

    left = bench->n;
    bench_start(bench);
    uv_queue_work(uv_default_loop(), &work, on_work, on_worked);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    bench_stop(bench);
}

static const struct bench_case cases[] = {
    {.name = "to_thread", .run = to_thread},
    {.name = "timers/100000",
     .run = timers,
     .arg = 100000,
     .n = 1,
     .unit = "s",
     .macro = true,
     .by_cpu = true},
    {.name = "timers/1000000",
     .run = timers,
     .arg = 1000000,
     .n = 1,
     .unit = "s",
     .macro = true,
     .by_cpu = true},
    {.name = "memory/10000",
     .run = memory,
     .arg = 10000,
     .n = 1,
     .macro = true},
    {.name = "memory/100000",
     .run = memory,
     .arg = 100000,
     .n = 1,
     .macro = true},
    {.name = "memory/1000000",
     .run = memory,
     .arg = 1000000,
     .n = 1,
     .macro = true},
    {0},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, "libuv", cases);
}
