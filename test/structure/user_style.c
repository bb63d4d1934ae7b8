/* SPDX-License-Identifier: MIT */
/* The documented style, as a careful user compiles it. Never run. */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    int n;
    double delay;
    char *text;
};

static int
work(void *arg)
{
    struct work *self = arg;

    int r = asyncio_sleep(self->delay);
    if (r < 0)
        return asyncio_raise(r, "no %d", self->n);
    return self->n;
}

static int
plain(void *arg)
{
    (void) arg;
    return 0;
}

static void
drop(void *frame)
{
    struct work *self = frame;

    free(self->text);
}

static int
with_group(void)
{
    asyncio_task_group_t group;

    asyncio_task_group_enter(asyncio_task_group_init(&group));
    asyncio_task_group_create_task(&group, asyncio_coro(work, .n = 1));
    asyncio_task_group_create_task(&group, asyncio_coro(plain),
                                   .name = "second");
    return asyncio_task_group_exit(&group, 0);
}

static int
with_timeout(void)
{
    asyncio_timeout_t t;
    struct work frame = {.n = 2, .delay = 0.5};

    asyncio_timeout_enter(asyncio_timeout(&t, 5.0));
    int r = asyncio_wait_for(asyncio_coro_at(work, &frame), 1.5);
    if (asyncio_failed(r))
        printf("%s: %s\n", asyncio_err_name(r), asyncio_strerror(r));
    return asyncio_timeout_exit(&t, r);
}

static int
async_main(void *arg)
{
    (void) arg;
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(plain)),
        asyncio_create_task(asyncio_coro(work, .n = 1, .delay = 2),
                            .name = "slow", .eager_start = true, .drop = drop),
    };

    int r = asyncio_gather(tasks, 2);
    if (r == 0)
        r = asyncio_gather(tasks, 2, .return_exceptions = true);
    if (r == 0)
        r = asyncio_wait(tasks, 2, .return_when = ASYNCIO_FIRST_COMPLETED,
                         .timeout = 3);
    if (r >= 0)
        r = asyncio_await(tasks[0]);
    if (r >= 0)
        r = asyncio_shield(tasks[1]);
    if (r >= 0)
        r = asyncio_await(asyncio_coro(work, .n = 7));
    asyncio_future_unref_array(tasks, 2);
    if (r >= 0)
        r = with_timeout();
    return r < 0 ? r : with_group();
}

int
main(void)
{
    return asyncio_main(asyncio_coro(async_main), .debug = 1);
}
