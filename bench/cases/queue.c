/* SPDX-License-Identifier: MIT */
/* An item there and back, through two queues of one place. */
#include "case.h"

struct partner {
    struct bench *bench;
    asyncio_queue_t *there, *back;
};

static int
partner(void *arg)
{
    struct partner *self = arg;
    void *item;

    for (uint64_t i = 0; i < self->bench->n; i++) {
        must(asyncio_queue_get(self->there, &item));
        must(asyncio_queue_put(self->back, item));
    }
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_queue_t there, back;
    void *item = bench;

    must(asyncio_queue_init(&there, 1));
    must(asyncio_queue_init(&back, 1));
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        partner, .bench = bench, .there = &there, .back = &back));
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++) {
        must(asyncio_queue_put(&there, item));
        must(asyncio_queue_get(&back, &item));
    }
    bench_stop(bench);
    join(task);
    must(asyncio_queue_fini(&there));
    must(asyncio_queue_fini(&back));
    return 0;
}

static void
queue(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "queue", .run = queue},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
