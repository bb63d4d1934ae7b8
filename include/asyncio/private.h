/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_PRIVATE_H
#define ASYNCIO_PRIVATE_H

/**
 * @file private.h
 * The insides of structs that live in your memory (timeouts, groups, locks).
 * Nothing here is for use.
 */

#include "export.h"

/* A link of an intrusive list. */
struct aio__list {
    struct aio__list *next;
    struct aio__list *prev;
};

/* One entry of the ready queue. `run` NULL: the next step of a fiber. */
struct aio__job {
    struct aio__job *next;
    void (*run)(struct aio__job *job);
};

/* A timer of a loop. */
struct aio__timer {
    void (*fire)(struct aio__timer *timer);
    uint32_t id; /* of its slot in the heap; 0: it has none */
};

/* What timeouts and task groups have in common: each task keeps a list of the
 * scopes that are open on its stack. */
struct aio__scope {
    struct aio__scope *outer;
    asyncio_task_t *task; /* set while open */
    const char *kind;
};

struct aio__waiter;

/* Tasks that wait for one thing, in the order in which they began to. */
struct aio__waitqueue {
    struct aio__list waiters;
    asyncio_loop_t *loop; /* theirs, from the first real wait on */
};

#endif
