/* SPDX-License-Identifier: MIT */
/*
 * Tasks are created first and waited for later: create_task.py's twin.
 *
 * Creating a task runs nothing yet. Its first step comes when the creator
 * suspends, here in asyncio_gather(); all of them sleep at the same time.
 */
#include <asyncio.h>
#include <stdio.h>

struct worker {
    int number;
};

static int
worker(void *arg)
{
    const struct worker *self = arg;

    printf("Worker %d started\n", self->number);
    int r = asyncio_sleep(2);
    if (r < 0)
        return r;
    printf("Worker %d finished\n", self->number);
    return 0;
}

static int
async_main(void *arg)
{
    (void) arg;
    asyncio_task_t *workers[3];

    for (int i = 0; i < 3; i++)
        workers[i] = asyncio_create_task(asyncio_coro(worker, .number = i + 1));

    int r = asyncio_gather(workers, 3);
    asyncio_future_unref_array(workers, 3);
    return r;
}

int
main(void)
{
    return asyncio_main(asyncio_coro(async_main));
}
