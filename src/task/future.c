/* SPDX-License-Identifier: MIT */
/*
 * Futures: their state.
 *
 * Invariants: a future leaves PENDING exactly once; then its callbacks are
 * notified in the order in which they were added, and the list stays empty.
 *
 * Python counterpart: asyncio.futures.
 */
#include "task/future.h"

#include <stdio.h>
#include <string.h>

#include "base/block.h"
#include "base/counters.h"
#include "base/panic.h"
#include "loop/report.h"
#include "task/task.h"

static void
plain_destroy(asyncio_future_t *future)
{
    aio__future_fini(future);
    aio__block_free(future, sizeof *future);
}

static const struct aio__future_type plain = {
    .name = "Future", .cancel = aio__future_cancel, .destroy = plain_destroy};

void
aio__future_fini_slowly(asyncio_future_t *future)
{
    if (future->unretrieved)
        aio__future_report(future, "Future exception was never retrieved",
                           NULL);
    if (future->drop != NULL)
        future->drop(future->value);
    aio__exception_unref(future->exception);
}

static asyncio_future_t failed[] = {
#define FAILED(name, number, python, text)                                    \
    {.type = &plain,                                                          \
     .refs = AIO__IMMORTAL,                                                   \
     .state = AIO__FINISHED,                                                  \
     .status = number},
    ASYNCIO_ERR_MAP(FAILED)
#undef FAILED
        {.type = &plain,
         .refs = AIO__IMMORTAL,
         .state = AIO__FINISHED,
         .status = UV_ENOMEM},
    {.type = &plain,
     .refs = AIO__IMMORTAL,
     .state = AIO__FINISHED,
     .status = UV_EINVAL},
};

asyncio_future_t *
aio__future_failed(int code)
{
    for (size_t i = 0; i < aio__array_size(failed); i++)
        if (failed[i].status == code)
            return &failed[i];
    return aio__future_failed(ASYNCIO_ERR_FAILED);
}

asyncio_future_t *
asyncio_loop_create_future(asyncio_loop_t *loop)
{
    asyncio_future_t *future;

    if (loop == NULL)
        return aio__future_failed(UV_EINVAL);
    future = aio__block_alloc(sizeof *future);
    if (future == NULL)
        return aio__future_failed(UV_ENOMEM);
    aio__future_init(future, &plain, loop);
    return future;
}

asyncio_future_t *
asyncio_future_new(void)
{
    asyncio_loop_t *loop = asyncio_get_event_loop();

    if (loop == NULL)
        return aio__future_failed(ASYNCIO_ERR_NO_RUNNING_LOOP);
    return asyncio_loop_create_future(loop);
}

asyncio_future_t *
asyncio_future_ref(asyncio_future_t *future)
{
    return future != NULL ? aio__future_ref(future) : NULL;
}

/* Of a future that dies pending nobody will ever hear: NULL tells them. */
void
aio__future_forget(asyncio_future_t *future)
{
    struct aio__list *link;

    while ((link = aio__list_pop_front(&future->callbacks)) != NULL) {
        struct aio__future_cb *cb =
            aio__container_of(link, struct aio__future_cb, link);

        cb->notify(cb, NULL);
    }
}

void
aio__future_last_unref(asyncio_future_t *future)
{
    if (!aio__list_empty(&future->callbacks))
        aio__future_forget(future);
    future->type->destroy(future);
}

asyncio_future_t *
asyncio_future_unref(asyncio_future_t *future)
{
    if (future != NULL)
        aio__future_unref(future);
    return NULL;
}

void
asyncio_future_unref_array(asyncio_future_t **futures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        futures[i] = asyncio_future_unref(futures[i]);
}

void
aio__future_finish(asyncio_future_t *future, enum aio__future_state state,
                   int status, asyncio_exception_t *exception)
{
    struct aio__list *link;

    future->state = (uint8_t) state;
    future->status = status;
    if (aio__unlikely(future->exception != NULL))
        aio__exception_unref(future->exception);
    future->exception = exception;
    future->unretrieved = state == AIO__FINISHED && status < 0;
    while ((link = aio__list_pop_front(&future->callbacks)) != NULL) {
        struct aio__future_cb *cb =
            aio__container_of(link, struct aio__future_cb, link);

        cb->notify(cb, future);
    }
}

bool
aio__future_cancel(asyncio_future_t *future, asyncio_exception_t *message)
{
    future->unretrieved = false;
    if (future->state != AIO__PENDING)
        return false;
    aio__future_finish(future, AIO__CANCELLED, ASYNCIO_ERR_CANCELLED,
                       aio__exception_ref(message));
    return true;
}

asyncio_exception_t *
aio__cancel_message(const asyncio_cancel_options_t *options)
{
    const char *message = aio__option(options, message, NULL);

    if (message == NULL)
        return NULL;
    return aio__exception_new(ASYNCIO_ERR_CANCELLED, message);
}

bool
asyncio_future_cancel(asyncio_future_t *future,
                      const asyncio_cancel_options_t *options)
{
    asyncio_exception_t *message;
    bool accepted;

    if (future == NULL || future->refs == AIO__IMMORTAL)
        return false;
    message = aio__cancel_message(options);
    accepted = aio__cancel(future, message);
    aio__exception_unref(message);
    return accepted;
}

bool
asyncio_future_done(const asyncio_future_t *future)
{
    return future->state != AIO__PENDING;
}

bool
asyncio_future_cancelled(const asyncio_future_t *future)
{
    return future->state == AIO__CANCELLED;
}

static void
retrieved(asyncio_future_t *future)
{
    if (future->unretrieved)
        future->unretrieved = false;
}

int
asyncio_future_result(asyncio_future_t *future)
{
    if (future == NULL)
        return UV_EINVAL;
    if (future->state == AIO__PENDING)
        return asyncio_raise_at(ASYNCIO_ERR_INVALID_STATE, NULL, 0,
                                "Result is not set.");
    retrieved(future);
    if (future->status < 0)
        return aio__raise_exception(future->status,
                                    aio__future_detail(future));
    return future->status;
}

void *
asyncio_future_value(const asyncio_future_t *future)
{
    return future->state == AIO__FINISHED && future->status >= 0
        ? future->value
        : NULL;
}

const asyncio_exception_t *
asyncio_future_exception(asyncio_future_t *future)
{
    if (future == NULL)
        return aio__exception_of(UV_EINVAL);
    if (future->state == AIO__PENDING)
        return aio__exception_of(ASYNCIO_ERR_INVALID_STATE);
    retrieved(future);
    if (future->status >= 0)
        return NULL;
    if (future->exception == NULL && future->refs != AIO__IMMORTAL)
        future->exception = aio__exception_new(future->status, NULL);
    if (future->exception == NULL)
        return aio__exception_of(future->status);
    return future->exception;
}

static int
settable(asyncio_future_t *future)
{
    if (future == NULL)
        return UV_EINVAL;
    if (future->refs != AIO__IMMORTAL && future->type != &plain)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "%s does not support this operation",
                                future->type->name);
    if (future->state != AIO__PENDING)
        return asyncio_raise_at(ASYNCIO_ERR_INVALID_STATE, NULL, 0,
                                "the future is done already");
    return 0;
}

int
asyncio_future_set_result(asyncio_future_t *future, void *value,
                          const asyncio_future_set_result_options_t *options)
{
    int status = aio__option(options, status, 0);
    int r;

    r = settable(future);
    if (r < 0)
        return r;
    if (status < 0)
        return UV_EINVAL;
    future->value = value;
    future->drop = aio__option(options, drop, NULL);
    aio__future_finish(future, AIO__FINISHED, status, NULL);
    return 0;
}

int
asyncio_future_set_exception(asyncio_future_t *future, int code)
{
    int r;

    if (code >= 0)
        return asyncio_raise_at(ASYNCIO_ERR_TYPE, NULL, 0,
                                "%d is not an error code", code);
    r = settable(future);
    if (r < 0)
        return r;
    aio__future_finish(future, AIO__FINISHED, code, aio__raised(code));
    return 0;
}

asyncio_loop_t *
asyncio_future_get_loop(const asyncio_future_t *future)
{
    return future->loop;
}

void
aio__future_report(asyncio_future_t *future, const char *message,
                   const asyncio_site_t *site)
{
    asyncio_exception_context_t context = {.size = sizeof context,
                                           .message = message,
                                           .code = future->status < 0
                                               ? future->status
                                               : 0,
                                           .exception = future->exception,
                                           .future = future,
                                           .source_traceback = site,
                                           .socket = -1};

    asyncio_context_t *own = asyncio_task_get_context(future);
    asyncio_context_t *outer = NULL;

    /* The handler may take and drop a reference. */
    future->unretrieved = false;
    future->refs++;
    if (own != NULL)
        outer = aio__context_enter(own);
    asyncio_loop_call_exception_handler(future->loop, &context);
    if (own != NULL)
        aio__context_enter(outer);
    future->refs--;
}

size_t
asyncio_future_repr(const asyncio_future_t *future, char *buffer, size_t size)
{
    static const char *const states[] = {"pending", "finished", "cancelled"};
    int n;

    if (future->state == AIO__FINISHED && future->status < 0)
        n = snprintf(buffer, size, "<%s finished exception=%s>",
                     future->type->name, asyncio_err_name(future->status));
    else if (future->state == AIO__FINISHED)
        n = snprintf(buffer, size, "<%s finished result=%d>",
                     future->type->name, future->status);
    else
        n = snprintf(buffer, size, "<%s %s>", future->type->name,
                     states[future->state]);
    return n > 0 ? (size_t) n : 0;
}
