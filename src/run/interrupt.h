/* SPDX-License-Identifier: MIT */
#ifndef AIO_RUN_INTERRUPT_H
#define AIO_RUN_INTERRUPT_H

/* The signals of a run: SIGINT cancels, SIGPIPE is ignored, and a stack
 * overflow is named before it kills. */

#include <signal.h>
#include <stdbool.h>

#include "asyncio/tasks.h"

struct aio__interrupt {
    asyncio_loop_t *loop;
    asyncio_task_t *task;      /* the main task; borrowed */
    unsigned count;            /* of SIGINTs that were delivered */
    bool late;                 /* one came when the main task was done */
    bool installed;            /* our SIGINT handler is there */
    struct sigaction old_int;
    stack_t old_stack;
    void *stack;               /* for the overflow reporter */
};

void aio__interrupt_install(struct aio__interrupt *interrupt,
                            asyncio_loop_t *loop, asyncio_task_t *task);
void aio__interrupt_restore(struct aio__interrupt *interrupt);

#endif
