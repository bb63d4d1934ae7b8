/* SPDX-License-Identifier: MIT */
/*
 * The awaited libuv request.
 *
 * Invariants: everything that libuv may touch lives in the op, or in memory
 * of a caller who waits until libuv has let go. An op has two owners, the loop
 * until its callback and the waiting task; it dies with the last of them. A
 * result belongs to the op until the task takes it: what nobody takes is given
 * to `late`. libuv's own ECANCELED is never seen by anybody, because only a
 * task that leaves asks for it.
 *
 * Python counterpart: the future that wraps an executor's job.
 */
#include "task/op.h"

#include "base/block.h"
#include "base/counters.h"

int
aio__op_new(size_t extra, enum aio__cancel_policy policy,
            void (*late)(struct aio__op *op), struct aio__op **ret_op)
{
    asyncio_loop_t *loop;
    struct aio__op *op;
    int r;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    op = aio__block_alloc(sizeof *op + extra);
    if (op == NULL)
        return UV_ENOMEM;
    op->loop = loop;
    op->waiter = NULL;
    op->message = NULL;
    op->late = late;
    op->fini = NULL;
    op->result = 0;
    op->size = sizeof *op + extra;
    op->refs = 1;
    op->wait = policy == AIO__CANCEL_WAIT;
    op->done = false;
    op->cancelled = false;
    op->req.any.data = op;
    *ret_op = op;
    return 0;
}

void
aio__op_release(struct aio__op *op)
{
    if (--op->refs > 0)
        return;
    if (op->fini != NULL)
        op->fini(op);
    aio__exception_unref(op->message);
    aio__block_free(op, op->size);
}

void
aio__op_done(struct aio__op *op, int64_t result)
{
    op->loop->ops--;
    aio__count(AIO__COUNT_OPS, -1);
    op->done = true;
    op->result = result;
    if (op->waiter != NULL) {
        struct aio__waiter *waiter = op->waiter;

        op->waiter = NULL;
        if (op->cancelled) {
            waiter->exception = op->message;
            op->message = NULL;
        }
        aio__wake(waiter, op->cancelled ? ASYNCIO_ERR_CANCELLED : 0);
    } else if (op->late != NULL && result >= 0) {
        op->late(op);
    }
    aio__op_release(op);
}

/* The waiter of an op, on its task's stack. */
struct op_waiter {
    struct aio__waiter waiter;
    struct aio__op *op;
};

static bool
cancel_op(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    struct aio__op *op = aio__container_of(waiter, struct op_waiter, waiter)->op;

    if (waiter->woken)
        return false;
    uv_cancel(&op->req.any);
    if (!op->wait) {
        op->waiter = NULL;
        return aio__waiter_cancel(waiter, message);
    }
    if (!op->cancelled) {
        op->cancelled = true;
        op->message = aio__exception_ref(message);
    }
    return true;
}

int64_t
aio__op_await_keep(struct aio__op *op, int r)
{
    struct op_waiter waiting;

    if (r < 0) {
        aio__op_release(op);
        return aio__raise_exception(r, NULL);
    }
    op->loop->ops++;
    aio__count(AIO__COUNT_OPS, 1);
    op->refs++;
    aio__waiter_init(&waiting.waiter, op->loop, cancel_op);
    waiting.op = op;
    op->waiter = &waiting.waiter;
    r = aio__wait(&waiting.waiter);
    if (r < 0) {
        if (op->done && op->late != NULL && op->result >= 0)
            op->late(op);
        aio__op_release(op);
        return r;
    }
    if (op->result < 0) {
        r = (int) op->result;
        aio__op_release(op);
        return aio__raise_exception(r, NULL);
    }
    return op->result;
}

int64_t
aio__op_await(struct aio__op *op, int r)
{
    int64_t result = aio__op_await_keep(op, r);

    if (result >= 0)
        aio__op_release(op);
    return result;
}
