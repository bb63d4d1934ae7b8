/* SPDX-License-Identifier: MIT */
/*
 * Two tasks take turns by two events: wait for mine, clear it, set the
 * other's. An operation is one wake-up.
 */
#include "case.h"

struct side {
    struct bench *bench;
    asyncio_event_t *mine, *other;
};

static int
side(void *arg)
{
    struct side *self = arg;

    for (uint64_t i = 0; i < self->bench->n / 2; i++) {
        must(asyncio_event_wait(self->mine));
        asyncio_event_clear(self->mine);
        asyncio_event_set(self->other);
    }
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_event_t ping, pong;

    asyncio_event_init(&ping);
    asyncio_event_init(&pong);
    asyncio_event_set(&ping);
    bench_start(bench);
    asyncio_task_t *sides[] = {
        asyncio_create_task(asyncio_coro(side, .bench = bench, .mine = &ping,
                                         .other = &pong)),
        asyncio_create_task(asyncio_coro(side, .bench = bench, .mine = &pong,
                                         .other = &ping)),
    };
    must(asyncio_gather(sides, 2));
    bench_stop(bench);
    asyncio_future_unref_array(sides, 2);
    must(asyncio_event_fini(&ping));
    must(asyncio_event_fini(&pong));
    return 0;
}

static void
event(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "event", .run = event},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
