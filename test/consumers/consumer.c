/* SPDX-License-Identifier: MIT */
/* What every kind of consumer builds and runs. */
#include <asyncio.h>
#include <stdio.h>
#include <string.h>

struct greet {
    const char *name;
    int greeted;
};

static int
greet(void *arg)
{
    struct greet *self = arg;

    int r = asyncio_sleep(0.01);
    if (r < 0)
        return r;
    printf("hello, %s\n", self->name);
    self->greeted++;
    return 0;
}

static int
async_main(void *arg)
{
    (void) arg;
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(greet, .name = "task"));

    int r = asyncio_await(asyncio_coro(greet, .name = "coroutine"));
    if (r == 0)
        r = asyncio_await(task);
    if (r == 0 && ((struct greet *) asyncio_task_frame(task))->greeted != 1)
        r = asyncio_raise(ASYNCIO_ERR_VALUE, "greeted too often");
    asyncio_future_unref(task);
    return r;
}

int
main(void)
{
    char version[32];

    snprintf(version, sizeof version, "%d.%d.%d", ASYNCIO_VERSION_MAJOR,
             ASYNCIO_VERSION_MINOR, ASYNCIO_VERSION_PATCH);
    if (strcmp(version, asyncio_version_string()) != 0)
        return 2;
    return asyncio_main(asyncio_coro(async_main));
}
