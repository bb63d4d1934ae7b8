/* SPDX-License-Identifier: MIT */
/* An empty function in a thread of the pool, and back: two hand-overs. */
#include "case.h"

static int
empty(void *arg)
{
    (void) arg;
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);

    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++)
        must(asyncio_to_thread(asyncio_coro(empty)));
    bench_stop(bench);
    return 0;
}

static void
to_thread(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "to_thread", .run = to_thread},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
