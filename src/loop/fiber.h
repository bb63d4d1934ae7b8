/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_FIBER_H
#define AIO_LOOP_FIBER_H

/*
 * Fibers: what the loop knows of a task. A fiber has a coroutine from its
 * first step to its end; it is then ready (its job is queued), running, or
 * suspended on a waiter.
 *
 * When a fiber suspends and the next entry of the ready queue is a fiber's
 * step, it switches there directly; callbacks and polling run on the loop's
 * own stack.
 */

#include "loop/exception.h"
#include "loop/loop.h"

/* The place that a fiber returns to which was started eagerly. */
struct aio__back {
    struct aio__coro *coro;
    struct aio__fiber *fiber; /* NULL: a callback of the loop */
};

struct aio__fiber {
    struct aio__job job;          /* its next step */
    struct aio__coro *coro;       /* from the first step to the end */
    struct aio__waiter *waiter;   /* suspended on it, and not woken; or NULL */
    uint32_t stack_size;          /* in KiB; 0: the loop's */
    uint16_t depth;               /* of its last waiter below `coro`, in
                                   * cache lines; a guess is good enough */
    bool must_cancel;             /* the next step gets a cancellation */
    bool ended_eagerly;           /* in its first step, inside its creator's */
    asyncio_context_t *context;   /* it runs in */
    struct aio__back *back;       /* until it first suspends, when eager */
    asyncio_exception_t *raised;  /* newest error that it met */
    asyncio_exception_t *message; /* of the cancellation to deliver */
};

/* What the layer above does with a fiber. */
struct aio__fiber_ops {
    void (*run)(struct aio__fiber *fiber);   /* the whole body, on its stack */
    /* It ends without ever having had a stack; takes the detail. */
    void (*never)(struct aio__fiber *fiber, int r,
                  asyncio_exception_t *exception);
    void (*end)(struct aio__fiber *fiber);   /* the loop lets go of it */
    /* What debug mode calls it. */
    void (*describe)(struct aio__fiber *fiber, char *buffer, size_t size);
    /* The loop closed before its first step. */
    void (*lost)(struct aio__fiber *fiber);
};

/*
 * What a fiber is suspended on: lives on its stack. Whoever wakes it gives
 * the result of the wait; after that a cancellation is too late, the next
 * step delivers it.
 */
struct aio__waiter {
    struct aio__list link; /* free for the owner of the waiter */
    asyncio_loop_t *loop;
    struct aio__fiber *fiber;
    /* Try to end the wait. True: accepted, the waiter has been or will be
     * woken. False: it was woken before. */
    bool (*cancel)(struct aio__waiter *waiter, asyncio_exception_t *message);
    asyncio_exception_t *exception; /* detail of status < 0; owned */
    int status;
    bool woken;
};

/* End the wait with this result; false when that has happened before. */
aio__inline bool
aio__wake_on(asyncio_loop_t *loop, struct aio__waiter *waiter, int status)
{
    if (waiter->woken)
        return false;
    waiter->woken = true;
    waiter->status = status;
    waiter->fiber->waiter = NULL;
    aio__ready(loop, &waiter->fiber->job);
    return true;
}
aio__inline bool
aio__wake(struct aio__waiter *waiter, int status)
{
    return aio__wake_on(waiter->loop, waiter, status);
}

/* For one that runs soon, but not next: all that a wait usually has on its
 * stack. The page alone costs most of the way there, and from here on it is
 * walked while others run. */
aio__inline void
aio__fiber_prefetch_woken(const struct aio__fiber *fiber)
{
    const char *at =
        (const char *) fiber->coro - (ptrdiff_t) fiber->depth * AIO__LINE;

    aio__prefetch(fiber->coro, 0);
    aio__prefetch(at, -2 * AIO__LINE);
    aio__prefetch(at, -AIO__LINE);
    aio__prefetch(at, 0);
    aio__prefetch(at, AIO__LINE);
    aio__prefetch(at, 2 * AIO__LINE);
}

/* The same with 0, for who knows the fiber: nothing waits here for its stack,
 * which would be a cache miss, or two, where many wait. The waiter does not
 * learn of it, so nobody else may know that one but by `fiber->waiter`. */
aio__inline void
aio__wake_fiber(asyncio_loop_t *loop, struct aio__fiber *fiber)
{
    if (fiber->waiter == NULL)
        return;
    fiber->waiter = NULL;
    aio__ready(loop, &fiber->job);
    aio__fiber_prefetch_woken(fiber);
}

/* The usual `cancel`: end the wait at once. */
bool aio__waiter_cancel(struct aio__waiter *waiter,
                        asyncio_exception_t *message);

/* For a running fiber of the running loop. `cancel` NULL: the usual one. */
aio__inline void
aio__waiter_init(struct aio__waiter *waiter, asyncio_loop_t *loop,
                 bool (*cancel)(struct aio__waiter *, asyncio_exception_t *))
{
    aio__list_init(&waiter->link);
    waiter->loop = loop;
    waiter->fiber = loop->current;
    waiter->cancel = cancel != NULL ? cancel : aio__waiter_cancel;
    waiter->exception = NULL;
    waiter->status = 0;
    waiter->woken = false;
}

/* The fiber that runs in this thread, or an error that says what is missing. */
int aio__fiber_missing(void);
aio__inline int
aio__fiber_running(asyncio_loop_t **ret_loop)
{
    asyncio_loop_t *loop = aio__running;

    *ret_loop = loop;
    if (aio__unlikely(loop == NULL || loop->current == NULL))
        return aio__fiber_missing();
    return 0;
}

/*
 * Where there are many fibers each has fallen out of the caches since its last
 * step, and its stack's page out of the TLB. So while one runs, the stack of
 * the next but one is on its way, and the fiber after that, which is where that
 * one's stack is found; two ahead, because finding a page may take longer than
 * a step. Which stacks those get that begin is known from the start, so theirs
 * are asked for a step or two earlier still.
 */
enum { AIO__STACKS_SOON = 3 }; /* measured: fewer or more gain less */

aio__inline void
aio__fiber_prefetch(asyncio_loop_t *loop, struct aio__job *next)
{
    const struct aio__fiber *fiber;
    const struct aio__coro *coro;
    const char *at;

    if (next == NULL || (next = next->next) == NULL || next->run != NULL)
        return;
    fiber = aio__container_of(next, struct aio__fiber, job);
    coro = fiber->coro;
    aio__prefetch(next->next, 0);
    aio__prefetch(next->next, offsetof(struct aio__fiber, depth));
    if (coro != NULL) {
        at = (const char *) coro - (ptrdiff_t) fiber->depth * AIO__LINE;
        aio__prefetch(coro, 0);
        aio__prefetch(at, -AIO__LINE);
        aio__prefetch(at, AIO__LINE);
    } else if ((coro = aio__coro_idle_soon(&loop->pool,
                                          AIO__STACKS_SOON)) != NULL) {
        aio__prefetch(coro, 0);
        aio__prefetch(coro, -AIO__LINE);
        aio__prefetch(coro, -2 * AIO__LINE);
    }
}

/* A step is due: what comes next in this pass is a fiber with a stack, which
 * is returned, or something for the loop's own stack: NULL. */
struct aio__fiber *aio__fiber_first_step(asyncio_loop_t *loop);
aio__inline struct aio__fiber *
aio__fiber_next(asyncio_loop_t *loop)
{
    struct aio__job *job = loop->now.head;
    struct aio__fiber *fiber;

    if (job == NULL && (job = aio__pass_next(loop)) == NULL)
        return NULL;
    if (aio__unlikely(job->run != NULL))
        return NULL;
    fiber = aio__container_of(job, struct aio__fiber, job);
    if (aio__unlikely(fiber->coro == NULL))
        return aio__fiber_first_step(loop);
    aio__queue_pop_head(&loop->now, job);
    aio__fiber_prefetch(loop, job->next);
    return fiber;
}

void aio__suspend_eager(asyncio_loop_t *loop, struct aio__fiber *self);

/* Leave the running fiber, whose job is queued or whose waiter somebody will
 * wake. Inlined up to the switch: see coro/switch.h. */
aio__inline void
aio__suspend(asyncio_loop_t *loop, struct aio__fiber *self)
{
    struct aio__fiber *next;

    if (aio__unlikely(self->back != NULL || loop->debug)) {
        aio__suspend_eager(loop, self);
        return;
    }
    next = aio__fiber_next(loop);
    if (next == self)
        return;
    loop->current = next;
    aio__coro_switch(self->coro, next != NULL ? next->coro : &loop->main,
                     false);
}

/* The cancellation that was asked for is delivered now. */
int aio__deliver_cancel(struct aio__fiber *self);

/* It was cancelled before it waits. */
void aio__wait_cancelled(struct aio__waiter *waiter);
/* It was woken with an error, or cancelled. */
int aio__wait_failed(struct aio__waiter *waiter);

/* Suspend the running fiber until its waiter is woken; what it was woken
 * with, or ASYNCIO_ERR_CANCELLED. */
aio__inline int
aio__wait(struct aio__waiter *waiter)
{
    struct aio__fiber *self = waiter->fiber;

    self->waiter = waiter;
    self->depth = (uint16_t) ((size_t) ((char *) self->coro - (char *) waiter)
                              / AIO__LINE);
    if (aio__unlikely(self->must_cancel))
        aio__wait_cancelled(waiter);
    aio__suspend(waiter->loop, self);
    self->waiter = NULL;
    if (aio__unlikely(self->must_cancel || waiter->status < 0))
        return aio__wait_failed(waiter);
    return waiter->status;
}

/* Let the others run: exactly one pass. */
aio__inline int
aio__yield(asyncio_loop_t *loop)
{
    struct aio__fiber *self = loop->current;

    aio__ready(loop, &self->job);
    aio__suspend(loop, self);
    if (aio__unlikely(self->must_cancel))
        return aio__deliver_cancel(self);
    return 0;
}

/* From the loop's own stack. */
void aio__fiber_step(asyncio_loop_t *loop, struct aio__fiber *fiber);

/* The first step, right now, on the caller's time. */
void aio__fiber_start_eager(asyncio_loop_t *loop, struct aio__fiber *fiber);

/* The entry function of every coroutine of a loop. */
void aio__fiber_main(void *coro);

#endif
