/* SPDX-License-Identifier: MIT */
#ifndef AIO_TASK_FUTURE_H
#define AIO_TASK_FUTURE_H

/*
 * The insides of futures. A future has one thread, one loop, and a list of
 * what wants to know when it is done, told in the order of the calls.
 */

#include "asyncio/futures.h"
#include "base/counters.h"
#include "loop/context.h"
#include "loop/fiber.h"

enum aio__future_state {
    AIO__PENDING,
    AIO__FINISHED, /* with a result or an error */
    AIO__CANCELLED
};

struct aio__future_type {
    const char *name;
    /* Cancel, or ask for it; false when it is done. `message` is borrowed. */
    bool (*cancel)(asyncio_future_t *future, asyncio_exception_t *message);
    /* The last reference went: give back everything, the memory too. */
    void (*destroy)(asyncio_future_t *future);
};

struct asyncio_future {
    const struct aio__future_type *type;
    asyncio_loop_t *loop;         /* a reference; NULL for immortal ones */
    uint32_t refs;                /* AIO__IMMORTAL: never freed */
    uint32_t frame_size;          /* of a task's frame, bytes; here it fills a
                                   * hole */
    uint8_t state;                /* enum aio__future_state */
    bool unretrieved;             /* failed, and nobody looked at it yet */
    bool marked;                  /* seen already, while a list is read */
    int status;                   /* once done: what awaiting it returns */
    struct aio__list callbacks;   /* of aio__future_cb, while pending */
    void *value;                  /* a result; a task's frame */
    asyncio_drop_t drop;          /* of the value */
    asyncio_exception_t *exception; /* detail of an error or a cancellation */
};

#define AIO__IMMORTAL UINT32_MAX

/* Who wants to know. `notify` is called once, when the future is done, and
 * only schedules: nothing of the program runs inside it. NULL: the future
 * died pending, so it will never be. */
struct aio__future_cb {
    struct aio__list link;
    void (*notify)(struct aio__future_cb *cb, asyncio_future_t *future);
};

/* One that runs in the next pass, as CPython's callbacks do. It holds a
 * reference to the future from the notification to the run. */
struct aio__future_job {
    struct aio__future_cb cb;
    struct aio__job job;
    asyncio_future_t *future; /* while scheduled */
    void (*run)(struct aio__future_job *self, asyncio_future_t *future);
};

/* For what embeds a future: one reference, the caller's. */
aio__inline void
aio__future_init(asyncio_future_t *future, const struct aio__future_type *type,
                 asyncio_loop_t *loop)
{
    *future = (asyncio_future_t){.type = type, .loop = loop, .refs = 1};
    aio__list_init(&future->callbacks);
    aio__loop_hold(loop);
    aio__count(AIO__COUNT_TASKS, 1);
}
void aio__future_fini_slowly(asyncio_future_t *future);
aio__inline void
aio__future_fini(asyncio_future_t *future)
{
    if (aio__unlikely(future->unretrieved || future->drop != NULL
                      || future->exception != NULL))
        aio__future_fini_slowly(future);
    aio__loop_release(future->loop);
    aio__count(AIO__COUNT_TASKS, -1);
}

/* As asyncio_future_ref() and its opposite, for futures that are not NULL. */
aio__inline asyncio_future_t *
aio__future_ref(asyncio_future_t *future)
{
    if (aio__likely(future->refs != AIO__IMMORTAL))
        future->refs++;
    return future;
}
void aio__future_last_unref(asyncio_future_t *future);
aio__inline void
aio__future_unref(asyncio_future_t *future)
{
    if (future->refs != AIO__IMMORTAL && --future->refs == 0)
        aio__future_last_unref(future);
}

/* A future that has failed already; never NULL, never freed. */
asyncio_future_t *aio__future_failed(int code);

/* Finish it. Takes the exception. */
void aio__future_finish(asyncio_future_t *future, enum aio__future_state state,
                        int status, asyncio_exception_t *exception);

/* Tell who listens that it will never be done. */
void aio__future_forget(asyncio_future_t *future);

/* The cancel of a plain future. */
bool aio__future_cancel(asyncio_future_t *future,
                        asyncio_exception_t *message);

/* Any future's. */
aio__inline bool
aio__cancel(asyncio_future_t *future, asyncio_exception_t *message)
{
    return future->type->cancel(future, message);
}

/* Be told; at once when it is done already. */
void aio__future_subscribe(asyncio_future_t *future, struct aio__future_cb *cb);

void aio__future_job_init(struct aio__future_job *job,
                          void (*run)(struct aio__future_job *self,
                                      asyncio_future_t *future));

/* Before its job runs: take it back, wherever it is. For jobs in memory that
 * goes away. */
void aio__future_job_withdraw(struct aio__future_job *job,
                              asyncio_loop_t *loop);

/* Detail of a done future: a new reference, or NULL. */
aio__inline asyncio_exception_t *
aio__future_detail(asyncio_future_t *future)
{
    return aio__unlikely(future->exception != NULL)
        ? aio__exception_ref(future->exception)
        : NULL;
}

/* Copy options' `message` into an exception; NULL for none. */
asyncio_exception_t *aio__cancel_message(const asyncio_cancel_options_t *options);

/* "Task exception was never retrieved" and its kin. */
void aio__future_report(asyncio_future_t *future, const char *message,
                        const asyncio_site_t *site);

#endif
