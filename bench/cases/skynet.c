/* SPDX-License-Identifier: MIT */
/*
 * skynet: a task starts ten, each of those ten, down to a million that return
 * their number; the sums go up again. 1,111,111 tasks in all.
 */
#include "case.h"

#include <uv.h>

enum { LEAVES = 1000000, FANOUT = 10 };

struct node {
    int64_t first, size; /* in: the numbers of the leaves below */
    int64_t sum;         /* out */
};

static int
node(void *arg)
{
    struct node *self = arg;
    asyncio_task_t *parts[FANOUT];
    int64_t size = self->size / FANOUT;

    if (self->size == 1) {
        self->sum = self->first;
        return 0;
    }
    for (int i = 0; i < FANOUT; i++)
        parts[i] = asyncio_create_task(asyncio_coro(
            node, .first = self->first + i * size, .size = size));
    int r = asyncio_gather(parts, FANOUT);
    for (int i = 0; r >= 0 && i < FANOUT; i++)
        self->sum += ((struct node *) asyncio_task_frame(parts[i]))->sum;
    asyncio_future_unref_array(parts, FANOUT);
    return r;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    struct node root = {.size = LEAVES};

    bench_start(bench);
    must(node(&root));
    bench_stop(bench);
    return root.sum == 499999500000 ? 0 : UV_EINVAL;
}

static void
skynet(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "skynet",
         .run = skynet,
         .n = 1,
         .unit = "ms",
         .macro = true},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
