/* SPDX-License-Identifier: MIT */
/*
 * A task makes a future and waits for it; another sets it and yields. One
 * future, one result, one wake-up and one yield an operation.
 */
#include "case.h"

static asyncio_future_t *slot;

struct waiting {
    struct bench *bench;
};

static int
waiting(void *arg)
{
    struct waiting *self = arg;

    for (uint64_t i = 0; i < self->bench->n; i++) {
        asyncio_future_t *future = asyncio_future_new();
        slot = future;
        join(future);
    }
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);

    bench_start(bench);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(waiting, .bench = bench));
    for (uint64_t i = 0; i < bench->n; i++) {
        while (slot == NULL)
            must(asyncio_sleep(0));
        must(asyncio_future_set_result(slot, NULL));
        slot = NULL;
        must(asyncio_sleep(0));
    }
    join(task);
    bench_stop(bench);
    return 0;
}

static void
future(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "future", .run = future},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
