/* SPDX-License-Identifier: MIT */
/*
 * Three tasks at once, and their results in the order of the arguments.
 * gather.py is its Python twin.
 *
 * The arguments and the results of a coroutine live in a struct of the same
 * name, its frame. A task has a copy of it; asyncio_task_frame() returns that
 * for as long as there is a reference to the task.
 */
#include <asyncio.h>
#include <stdio.h>

struct task {
    const char *name; /* in          */
    double delay;     /* in: seconds */
    char result[32];  /* out         */
};

static int
task(void *arg)
{
    struct task *self = arg;

    printf("%s started\n", self->name);
    int r = asyncio_sleep(self->delay);
    if (r < 0)
        return r;
    printf("%s finished after %gs\n", self->name, self->delay);
    snprintf(self->result, sizeof self->result, "%s result", self->name);
    return 0;
}

static int
async_main(void *arg)
{
    (void) arg;
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(task, .name = "Task1", .delay = 2)),
        asyncio_create_task(asyncio_coro(task, .name = "Task2", .delay = 1)),
        asyncio_create_task(asyncio_coro(task, .name = "Task3", .delay = 3)),
    };

    int r = asyncio_gather(tasks, 3);
    if (r == 0) {
        printf("Results: [");
        for (int i = 0; i < 3; i++) {
            const struct task *done = asyncio_task_frame(tasks[i]);
            printf("%s'%s'", i > 0 ? ", " : "", done->result);
        }
        printf("]\n");
    }
    asyncio_future_unref_array(tasks, 3);
    return r;
}

int
main(void)
{
    return asyncio_main(asyncio_coro(async_main));
}
