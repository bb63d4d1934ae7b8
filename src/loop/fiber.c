/* SPDX-License-Identifier: MIT */
/*
 * Fibers: first step, suspension, end.
 *
 * Invariants: a fiber is in at most one queue; it is woken at most once for
 * each suspension; between its last step and its end its coroutine is parked
 * and may already run another fiber; what the program does there (drop
 * functions, reports) can neither suspend nor start anything eagerly. A fiber
 * that was started eagerly goes
 * back to its creator at its first suspension or its end, never to the next
 * ready task.
 *
 * Python counterpart: Task.__step and Task.__wakeup.
 */
#include "loop/fiber.h"

#include <errno.h>

#include "base/alloc.h"
#include "loop/context.h"
#include "loop/report.h"

int
aio__fiber_missing(void)
{
    if (aio__running == NULL)
        return asyncio_raise_at(ASYNCIO_ERR_NO_RUNNING_LOOP, NULL, 0,
                                "no running event loop");
    return asyncio_raise_at(ASYNCIO_ERR_NO_RUNNING_LOOP, NULL, 0,
                            "only a task can wait");
}

bool
aio__waiter_cancel(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    if (!aio__wake(waiter, ASYNCIO_ERR_CANCELLED))
        return false;
    waiter->exception = aio__exception_ref(message);
    return true;
}

int
aio__deliver_cancel(struct aio__fiber *self)
{
    asyncio_exception_t *message = self->message;

    self->must_cancel = false;
    self->message = NULL;
    return aio__raise_exception(ASYNCIO_ERR_CANCELLED, message);
}

/* Take back a cancellation that somebody has accepted. */
static void
forget_cancel(struct aio__fiber *self)
{
    self->must_cancel = false;
    aio__exception_unref(self->message);
    self->message = NULL;
}

void
aio__wait_cancelled(struct aio__waiter *waiter)
{
    struct aio__fiber *self = waiter->fiber;

    if (waiter->cancel(waiter, self->message))
        forget_cancel(self);
}

int
aio__wait_failed(struct aio__waiter *waiter)
{
    struct aio__fiber *self = waiter->fiber;

    if (self->must_cancel) {
        /* What it was woken with is lost, unless it is a cancellation too. */
        if (waiter->status != ASYNCIO_ERR_CANCELLED) {
            aio__exception_unref(waiter->exception);
            return aio__deliver_cancel(self);
        }
        forget_cancel(self);
    }
    return aio__raise_exception(waiter->status, waiter->exception);
}

/* Stacks of another size have a pool of their own, kept with the loop. */
static struct aio__coro_pool *
pool_of(asyncio_loop_t *loop, uint32_t kib)
{
    struct aio__coro_pool *pool;
    size_t size;

    if (aio__likely(kib == 0))
        return &loop->pool;
    size = aio__stack_round((size_t) kib * 1024);
    if (size == loop->pool.stacks.size)
        return &loop->pool;
    for (pool = loop->pools; pool != NULL; pool = pool->next)
        if (pool->stacks.size == size)
            return pool;
    pool = aio__calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    if (aio__coro_pool_init(pool, size, loop->pool.idle_max, aio__fiber_main,
                            loop)
        < 0) {
        aio__free(pool, sizeof *pool);
        return NULL;
    }
    pool->next = loop->pools;
    loop->pools = pool;
    return pool;
}

static asyncio_exception_t *
no_stack(int r)
{
    return aio__exception_new(
        UV_ENOMEM, r == -EAGAIN ? "no mapping left for the guard of a stack: "
                                  "raise vm.max_map_count"
                                : "no address space left for a stack: raise "
                                  "RLIMIT_AS, or vm.max_map_count");
}

/* It ends on the stack of whoever makes way for it, and drop functions of the
 * program may run: they must not suspend him. */
static void
never(asyncio_loop_t *loop, struct aio__fiber *fiber, int r,
      asyncio_exception_t *exception)
{
    struct aio__fiber *self = loop->current;
    bool ending = loop->ending;

    loop->current = NULL;
    loop->ending = true;
    loop->fiber_ops->never(fiber, r, exception);
    loop->ending = ending;
    loop->current = self;
}

/* The rare cases of begin(). */
static bool
begin_slowly(asyncio_loop_t *loop, struct aio__fiber *fiber)
{
    struct aio__coro_pool *pool;
    struct aio__coro *coro;
    int r;

    if (fiber->must_cancel) {
        asyncio_exception_t *message = fiber->message;

        fiber->must_cancel = false;
        fiber->message = NULL;
        never(loop, fiber, ASYNCIO_ERR_CANCELLED, message);
        return false;
    }
    pool = pool_of(loop, fiber->stack_size);
    r = pool != NULL ? aio__coro_take(pool, &coro) : -ENOMEM;
    if (aio__unlikely(r < 0)) {
        never(loop, fiber, UV_ENOMEM, no_stack(r));
        return false;
    }
    coro->user = fiber;
    fiber->coro = coro;
    return true;
}

/* Give a fiber its coroutine, or end it. */
aio__inline bool
begin(asyncio_loop_t *loop, struct aio__fiber *fiber)
{
    struct aio__coro *coro;

    if (aio__unlikely(fiber->must_cancel || fiber->stack_size != 0
                      || (coro = aio__coro_idle(&loop->pool)) == NULL))
        return begin_slowly(loop, fiber);
    coro->user = fiber;
    fiber->coro = coro;
    return true;
}

struct aio__fiber *
aio__fiber_first_step(asyncio_loop_t *loop)
{
    struct aio__job *job = aio__queue_pop(&loop->now);
    struct aio__fiber *fiber = aio__container_of(job, struct aio__fiber, job);

    if (aio__likely(begin(loop, fiber))) {
        aio__fiber_prefetch(loop, loop->now.head);
        return fiber;
    }
    /* It ended without a stack; find out what comes after it over there. */
    return NULL;
}

void
aio__fiber_step(asyncio_loop_t *loop, struct aio__fiber *fiber)
{
    loop->current = fiber;
    aio__coro_switch(&loop->main, fiber->coro, false);
    loop->current = NULL;
}

void
aio__suspend_eager(asyncio_loop_t *loop, struct aio__fiber *self)
{
    struct aio__coro *to = &loop->main; /* debug mode: it times every step */

    loop->current = NULL;
    if (self->back != NULL) {
        to = self->back->coro;
        loop->current = self->back->fiber;
        self->back = NULL;
    }
    aio__coro_switch(self->coro, to, false);
}

void
aio__fiber_start_eager(asyncio_loop_t *loop, struct aio__fiber *fiber)
{
    struct aio__fiber *creator = loop->current;
    asyncio_context_t *context = aio__context_current();
    struct aio__back back = {
        .coro = creator != NULL ? creator->coro : &loop->main,
        .fiber = creator};
    bool held;

    if (!begin(loop, fiber))
        return;
    fiber->back = &back;
    held = aio__context_hold(context);
    loop->current = fiber;
    aio__coro_switch(back.coro, fiber->coro, false);
    loop->current = creator;
    atomic_store(&context->entered, held);
}

void
aio__fiber_main(void *arg)
{
    struct aio__coro *coro = arg;
    asyncio_loop_t *loop = coro->pool->user;

    aio__notes_arrive(&coro->notes);
    for (;;) {
        struct aio__fiber *fiber = coro->user;
        struct aio__fiber *next = NULL;
        struct aio__coro *to = &loop->main;

        loop->fiber_ops->run(fiber);
        fiber->coro = NULL;
        aio__coro_park(coro);
        loop->current = NULL;
        loop->ending = true;
        if (aio__unlikely(fiber->back != NULL)) {
            to = fiber->back->coro;
            next = fiber->back->fiber;
            fiber->back = NULL;
            loop->fiber_ops->end(fiber);
        } else {
            loop->fiber_ops->end(fiber);
            if (!loop->debug)
                next = aio__fiber_next(loop);
            if (next != NULL)
                to = next->coro;
        }
        loop->ending = false;
        loop->current = next;
        if (to != coro) /* else the next one starts right here */
            aio__coro_switch(coro, to, true);
    }
}
