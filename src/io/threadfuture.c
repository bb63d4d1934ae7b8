/* SPDX-License-Identifier: MIT */
/*
 * Thread futures: results that threads wait for.
 *
 * Invariants: a future is finished or cancelled exactly once; callbacks of
 * the library are called with its lock held (so that unsubscribing is final),
 * those of the program without. A lock of a loop may be taken inside that of
 * a thread future, never the other way round.
 *
 * Python counterpart: concurrent.futures.Future.
 */
#include "io/threadfuture.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/panic.h"
#include "loop/report.h"

/* A callback of the program. */
struct user_cb {
    struct aio__thread_cb cb;
    asyncio_thread_done_callback_t callback;
    void *arg;
};

#define FAILED(code)                                                          \
    {.lock = PTHREAD_MUTEX_INITIALIZER,                                       \
     .state = AIO__THREAD_FINISHED,                                           \
     .status = (code)},
#define FAILED_ROW(name, number, python, text) FAILED(number)
static asyncio_thread_future_t failed[] = {
    ASYNCIO_ERR_MAP(FAILED_ROW) FAILED(UV_ENOMEM) FAILED(UV_EINVAL)
        FAILED(UV_EAGAIN)};

asyncio_thread_future_t *
aio__thread_future_failed(int code)
{
    for (size_t i = 0; i < aio__array_size(failed); i++)
        if (failed[i].status == code)
            return &failed[i];
    return aio__thread_future_failed(ASYNCIO_ERR_FAILED);
}

/* The frame lies behind the struct, where anything may lie. */
static size_t
header_size(void)
{
    return (sizeof(asyncio_thread_future_t) + 15) & ~(size_t) 15;
}

asyncio_thread_future_t *
aio__thread_future_make(asyncio_coro_t coro, asyncio_drop_t drop)
{
    asyncio_thread_future_t *future = aio__alloc(header_size() + coro.size);

    if (future == NULL)
        return NULL;
    memset(future, 0, sizeof *future);
    atomic_init(&future->refs, 1);
    pthread_mutex_init(&future->lock, NULL);
    pthread_cond_init(&future->done, NULL);
    aio__list_init(&future->callbacks);
    aio__list_init(&future->link);
    future->fn = coro.fn;
    future->drop = drop;
    future->frame_size = coro.size;
    if (coro.frame != NULL) {
        future->frame = (char *) future + header_size();
        memcpy(future->frame, coro.frame, coro.size);
    }
    future->value = future->frame;
    return future;
}

asyncio_thread_future_t *
asyncio_thread_future_new(void)
{
    asyncio_thread_future_t *future =
        aio__thread_future_make((asyncio_coro_t){.fn = NULL}, NULL);

    return future != NULL ? future : aio__thread_future_failed(UV_ENOMEM);
}

asyncio_thread_future_t *
asyncio_thread_future_ref(asyncio_thread_future_t *future)
{
    if (future != NULL && atomic_load(&future->refs) != 0)
        atomic_fetch_add(&future->refs, 1);
    return future;
}

asyncio_thread_future_t *
asyncio_thread_future_unref(asyncio_thread_future_t *future)
{
    struct aio__list *link;

    if (future == NULL || atomic_load(&future->refs) == 0
        || atomic_fetch_sub(&future->refs, 1) != 1)
        return NULL;
    /* Those of the program: ours hold references. */
    while ((link = aio__list_pop_front(&future->callbacks)) != NULL) {
        struct user_cb *user =
            aio__container_of(link, struct user_cb, cb.link);

        aio__assert(!user->cb.locked);
        aio__free(user, sizeof *user);
    }
    if (future->drop != NULL)
        future->drop(future->value);
    asyncio_context_unref(future->context);
    aio__exception_unref(future->exception);
    pthread_cond_destroy(&future->done);
    pthread_mutex_destroy(&future->lock);
    aio__free(future, header_size() + future->frame_size);
    return NULL;
}

static bool
is_done(const asyncio_thread_future_t *future)
{
    return future->state >= AIO__THREAD_CANCELLED;
}

/* With the lock held, which is given up while the program runs. */
static void
tell(asyncio_thread_future_t *future)
{
    struct aio__list *link;

    pthread_cond_broadcast(&future->done);
    while ((link = aio__list_pop_front(&future->callbacks)) != NULL) {
        struct aio__thread_cb *cb =
            aio__container_of(link, struct aio__thread_cb, link);

        if (cb->locked) {
            cb->notify(cb, future);
            continue;
        }
        pthread_mutex_unlock(&future->lock);
        cb->notify(cb, future);
        pthread_mutex_lock(&future->lock);
    }
}

static bool
end(asyncio_thread_future_t *future, enum aio__thread_state state, int status,
    asyncio_exception_t *exception)
{
    bool first;

    asyncio_thread_future_ref(future);
    pthread_mutex_lock(&future->lock);
    first = !is_done(future);
    if (first) {
        future->state = state;
        future->status = status;
        future->exception = exception;
        tell(future);
    }
    pthread_mutex_unlock(&future->lock);
    if (!first)
        aio__exception_unref(exception);
    asyncio_thread_future_unref(future);
    return first;
}

bool
aio__thread_future_finish(asyncio_thread_future_t *future, int status,
                          asyncio_exception_t *exception)
{
    return end(future, AIO__THREAD_FINISHED, status, exception);
}

bool
aio__thread_future_end_cancelled(asyncio_thread_future_t *future)
{
    return end(future, AIO__THREAD_CANCELLED, ASYNCIO_ERR_CANCELLED, NULL);
}

bool
asyncio_thread_future_cancel(asyncio_thread_future_t *future)
{
    bool cancelled;

    if (future == NULL)
        return false;
    asyncio_thread_future_ref(future);
    pthread_mutex_lock(&future->lock);
    if (future->state == AIO__THREAD_PENDING) {
        future->state = AIO__THREAD_CANCELLED;
        future->status = ASYNCIO_ERR_CANCELLED;
        tell(future);
    }
    cancelled = future->state == AIO__THREAD_CANCELLED;
    pthread_mutex_unlock(&future->lock);
    asyncio_thread_future_unref(future);
    return cancelled;
}

bool
asyncio_thread_future_set_running(asyncio_thread_future_t *future)
{
    bool runs;

    pthread_mutex_lock(&future->lock);
    runs = future->state == AIO__THREAD_PENDING;
    if (runs)
        future->state = AIO__THREAD_RUNNING;
    pthread_mutex_unlock(&future->lock);
    return runs;
}

static enum aio__thread_state
state_of(asyncio_thread_future_t *future)
{
    enum aio__thread_state state;

    pthread_mutex_lock(&future->lock);
    state = future->state;
    pthread_mutex_unlock(&future->lock);
    return state;
}

bool
asyncio_thread_future_cancelled(asyncio_thread_future_t *future)
{
    return state_of(future) == AIO__THREAD_CANCELLED;
}

bool
asyncio_thread_future_running(asyncio_thread_future_t *future)
{
    return state_of(future) == AIO__THREAD_RUNNING;
}

bool
asyncio_thread_future_done(asyncio_thread_future_t *future)
{
    return state_of(future) >= AIO__THREAD_CANCELLED;
}

/* With the lock held: 0, or ASYNCIO_ERR_TIMEOUT. */
static int
wait_done(asyncio_thread_future_t *future, double seconds)
{
    bool for_ever = seconds >= 1e9;
    struct timespec until;
    double whole;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (seconds > 0 && !for_ever) {
        until.tv_nsec += (long) (modf(seconds, &whole) * 1e9);
        until.tv_sec += (time_t) whole + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    }
    while (!is_done(future)) {
        if (seconds <= 0)
            return ASYNCIO_ERR_TIMEOUT;
        if (for_ever)
            pthread_cond_wait(&future->done, &future->lock);
        else if (pthread_cond_clockwait(&future->done, &future->lock,
                                        CLOCK_MONOTONIC, &until)
                     != 0
                 && !is_done(future))
            return ASYNCIO_ERR_TIMEOUT;
    }
    return 0;
}

int
asyncio_thread_future_result(asyncio_thread_future_t *future, double seconds)
{
    asyncio_exception_t *exception = NULL;
    int r;

    if (future == NULL || isnan(seconds))
        return UV_EINVAL;
    pthread_mutex_lock(&future->lock);
    r = wait_done(future, seconds);
    if (r == 0) {
        r = future->status;
        exception = aio__exception_ref(future->exception);
    }
    pthread_mutex_unlock(&future->lock);
    return r < 0 ? aio__raise_exception(r, exception) : r;
}

const asyncio_exception_t *
asyncio_thread_future_exception(asyncio_thread_future_t *future,
                                double seconds)
{
    const asyncio_exception_t *exception = NULL;
    int r;

    if (future == NULL || isnan(seconds))
        return aio__exception_of(UV_EINVAL);
    pthread_mutex_lock(&future->lock);
    r = wait_done(future, seconds);
    if (r == 0) {
        r = future->status;
        exception = future->exception;
    }
    pthread_mutex_unlock(&future->lock);
    if (r >= 0)
        return NULL;
    return exception != NULL ? exception : aio__exception_of(r);
}

void *
asyncio_thread_future_value(asyncio_thread_future_t *future)
{
    void *value;

    pthread_mutex_lock(&future->lock);
    value = future->state == AIO__THREAD_FINISHED && future->status >= 0
        ? future->value
        : NULL;
    pthread_mutex_unlock(&future->lock);
    return value;
}

enum aio__thread_state
aio__thread_future_outcome(asyncio_thread_future_t *future, int *ret_status,
                           asyncio_exception_t **ret_exception)
{
    enum aio__thread_state state;

    pthread_mutex_lock(&future->lock);
    state = future->state;
    *ret_status = future->status;
    *ret_exception = aio__exception_ref(future->exception);
    pthread_mutex_unlock(&future->lock);
    return state;
}

void
aio__thread_future_subscribe(asyncio_thread_future_t *future,
                             struct aio__thread_cb *cb)
{
    bool now;

    aio__list_init(&cb->link);
    pthread_mutex_lock(&future->lock);
    now = is_done(future);
    if (!now)
        aio__list_push_back(&future->callbacks, &cb->link);
    else if (cb->locked)
        cb->notify(cb, future);
    pthread_mutex_unlock(&future->lock);
    if (now && !cb->locked)
        cb->notify(cb, future);
}

bool
aio__thread_future_unsubscribe(asyncio_thread_future_t *future,
                               struct aio__thread_cb *cb)
{
    bool waiting;

    pthread_mutex_lock(&future->lock);
    waiting = !aio__list_empty(&cb->link);
    aio__list_remove(&cb->link);
    pthread_mutex_unlock(&future->lock);
    return waiting;
}

static void
user_notify(struct aio__thread_cb *cb, asyncio_thread_future_t *future)
{
    struct user_cb *user = aio__container_of(cb, struct user_cb, cb);
    int r;

    r = user->callback(future, user->arg);
    if (r < 0)
        aio__log(ASYNCIO_LOG_ERROR,
                 "a callback of a thread future failed: %s: %s",
                 asyncio_err_name(r), asyncio_strerror(r));
    aio__free(user, sizeof *user);
}

int
asyncio_thread_future_add_done_callback(asyncio_thread_future_t *future,
                                        asyncio_thread_done_callback_t callback,
                                        void *arg)
{
    struct user_cb *user;

    if (future == NULL || callback == NULL)
        return UV_EINVAL;
    user = aio__alloc(sizeof *user);
    if (user == NULL)
        return UV_ENOMEM;
    *user = (struct user_cb){
        .cb = {.notify = user_notify}, .callback = callback, .arg = arg};
    aio__thread_future_subscribe(future, &user->cb);
    return 0;
}

static int
already_done(void)
{
    return asyncio_raise_at(ASYNCIO_ERR_INVALID_STATE, NULL, 0,
                            "the future is done already");
}

int
asyncio_thread_future_set_result(
    asyncio_thread_future_t *future, void *value,
    const asyncio_future_set_result_options_t *options)
{
    int status = aio__option(options, status, 0);

    if (future == NULL || status < 0)
        return UV_EINVAL;
    pthread_mutex_lock(&future->lock);
    if (is_done(future)) {
        pthread_mutex_unlock(&future->lock);
        return already_done();
    }
    future->value = value;
    future->drop = aio__option(options, drop, NULL);
    pthread_mutex_unlock(&future->lock);
    aio__thread_future_finish(future, status, NULL);
    return 0;
}

int
asyncio_thread_future_set_exception(asyncio_thread_future_t *future, int code)
{
    if (future == NULL)
        return UV_EINVAL;
    if (code >= 0)
        return asyncio_raise_at(ASYNCIO_ERR_TYPE, NULL, 0,
                                "%d is not an error code", code);
    if (!aio__thread_future_finish(future, code, aio__raised(code)))
        return already_done();
    return 0;
}
