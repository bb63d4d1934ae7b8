/* SPDX-License-Identifier: MIT */
/*
 * Two tasks want the same lock: each takes it, yields while it holds it, and
 * gives it to the other, which waits.
 */
#include "case.h"

struct side {
    struct bench *bench;
    asyncio_lock_t *lock;
};

static int
side(void *arg)
{
    struct side *self = arg;

    for (uint64_t i = 0; i < self->bench->n / 2; i++) {
        must(asyncio_lock_acquire(self->lock));
        must(asyncio_sleep(0));
        must(asyncio_lock_release(self->lock));
    }
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_lock_t held;

    asyncio_lock_init(&held);
    bench_start(bench);
    asyncio_task_t *sides[2];
    for (int i = 0; i < 2; i++)
        sides[i] = asyncio_create_task(
            asyncio_coro(side, .bench = bench, .lock = &held));
    must(asyncio_gather(sides, 2));
    bench_stop(bench);
    asyncio_future_unref_array(sides, 2);
    must(asyncio_lock_fini(&held));
    return 0;
}

static void
lock(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "lock", .run = lock},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
