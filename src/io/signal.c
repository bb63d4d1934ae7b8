/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers of a loop.
 *
 * libuv's handler passes a signal to the loop; there the callback runs in the
 * next pass, once for each that arrived, as any other callback.
 *
 * libuv sets the default disposition when the last handler goes; we put back
 * what was there before the first one. And its pipe is shared with a forked
 * child, whose signals would be the parent's: so a child gets a handler that
 * does nothing for all of them.
 *
 * What is called is apart from libuv's handle: a handler that replaces another
 * takes over the handle, and with it the signals that are on their way.
 *
 * Python counterpart: loop.add_signal_handler of unix_events.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "asyncio/signals.h"
#include "base/alloc.h"
#include "base/counters.h"
#include "loop/context.h"
#include "loop/loop.h"
#include "loop/report.h"

/* What to call. */
struct target {
    asyncio_callback_t callback;
    void *arg;
    asyncio_drop_t drop;
    asyncio_context_t context; /* its release frees the whole */
    bool runs;
    bool over; /* whoever it runs for ends it */
};

/* The handler of one signal in one loop. */
struct handler {
    uv_signal_t signal; /* its close callback ends us */
    struct aio__list link;
    struct aio__job job;
    asyncio_loop_t *loop;
    struct target *target; /* owned */
    unsigned pending;      /* arrived, and no callback has run */
    bool runs;
    bool removed;
    bool closed; /* its close callback was called */
};

struct aio__signals {
    struct aio__closer closer;
    asyncio_loop_t *loop;
    struct aio__list handlers;
};

/* What each signal did before the first loop handled it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile unsigned char handled[NSIG]; /* by how many loops */
static struct sigaction former[NSIG];

static void
do_nothing(int signum)
{
    (void) signum;
}

static void
in_child(void)
{
    struct sigaction action = {.sa_handler = do_nothing,
                               .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    for (int i = 1; i < NSIG; i++)
        if (handled[i] > 0)
            sigaction(i, &action, NULL);
}

static void
first_handler(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

static void
remember(int signum)
{
    pthread_once(&once, first_handler);
    pthread_mutex_lock(&lock);
    if (handled[signum] == 0)
        sigaction(signum, NULL, &former[signum]);
    handled[signum]++;
    pthread_mutex_unlock(&lock);
}

static void
forget(int signum)
{
    pthread_mutex_lock(&lock);
    handled[signum]--;
    if (handled[signum] == 0)
        sigaction(signum, &former[signum], NULL);
    pthread_mutex_unlock(&lock);
}

static void
target_release(asyncio_context_t *context)
{
    struct target *target = aio__container_of(context, struct target, context);

    aio__context_fini(context);
    aio__free(target, sizeof *target);
}

static struct target *
target_new(asyncio_callback_t callback, void *arg)
{
    struct target *target = aio__calloc(1, sizeof *target);

    if (target == NULL)
        return NULL;
    target->callback = callback;
    target->arg = arg;
    aio__context_init(&target->context, aio__context_current()->map,
                      target_release);
    return target;
}

/* Last: the drop may do anything. */
static void
target_end(struct target *target)
{
    target->over = true;
    if (target->runs)
        return;
    if (target->drop != NULL)
        target->drop(target->arg);
    aio__context_drop(&target->context);
}

static void
free_if_over(struct handler *handler)
{
    struct target *target = handler->target;

    if (!handler->closed || handler->runs)
        return;
    aio__free(handler, sizeof *handler);
    target_end(target);
}

static void
on_closed(uv_handle_t *handle)
{
    struct handler *handler =
        aio__container_of(handle, struct handler, signal);

    handler->loop->handles_open--;
    aio__count(AIO__COUNT_HANDLES, -1);
    handler->closed = true;
    free_if_over(handler);
}

static void
call(asyncio_loop_t *loop, struct target *target)
{
    int r;

    target->runs = true;
    loop->context = &target->context;
    r = target->callback(target->arg);
    if (r < 0)
        aio__callback_failed(loop, r, NULL);
    loop->context = NULL;
    target->runs = false;
    if (target->over)
        target_end(target);
}

static void
run_handler(struct aio__job *job)
{
    struct handler *handler = aio__container_of(job, struct handler, job);
    asyncio_loop_t *loop = handler->loop;

    handler->runs = true;
    while (handler->pending > 0 && !handler->removed
           && loop->interrupted == 0) {
        handler->pending--;
        call(loop, handler->target);
    }
    handler->pending = 0;
    handler->runs = false;
    free_if_over(handler);
}

static void
on_signal(uv_signal_t *signal, int signum)
{
    struct handler *handler =
        aio__container_of(signal, struct handler, signal);

    (void) signum;
    if (handler->pending++ == 0)
        aio__ready(handler->loop, &handler->job);
}

static void
remove_handler(struct handler *handler)
{
    asyncio_loop_t *loop = handler->loop;

    handler->removed = true;
    aio__list_remove(&handler->link);
    if (handler->pending > 0 && !handler->runs
        && !aio__queue_remove(&loop->ready, &handler->job))
        aio__queue_remove(&loop->now, &handler->job);
    uv_signal_stop(&handler->signal);
    forget((int) (intptr_t) handler->signal.data);
    uv_close((uv_handle_t *) &handler->signal, on_closed);
}

static void
on_loop_close(struct aio__closer *closer)
{
    struct aio__signals *signals =
        aio__container_of(closer, struct aio__signals, closer);

    while (!aio__list_empty(&signals->handlers))
        remove_handler(aio__container_of(signals->handlers.next,
                                         struct handler, link));
    signals->loop->signals = NULL;
    aio__free(signals, sizeof *signals);
}

static struct aio__signals *
signals_of(asyncio_loop_t *loop)
{
    struct aio__signals *signals = loop->signals;

    if (signals != NULL)
        return signals;
    signals = aio__calloc(1, sizeof *signals);
    if (signals == NULL)
        return NULL;
    signals->loop = loop;
    aio__list_init(&signals->handlers);
    signals->closer.close = on_loop_close;
    aio__list_push_back(&loop->closers, &signals->closer.link);
    loop->signals = signals;
    return signals;
}

static struct handler *
find(asyncio_loop_t *loop, int signum)
{
    if (loop->signals == NULL)
        return NULL;
    aio__list_foreach(link, &loop->signals->handlers) {
        struct handler *handler =
            aio__container_of(link, struct handler, link);

        if ((intptr_t) handler->signal.data == signum)
            return handler;
    }
    return NULL;
}

static int
check(int signum)
{
    if (signum < 1 || signum >= NSIG)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "invalid signal number %d", signum);
    return 0;
}

static int
start(struct handler *handler, int signum)
{
    int r;

    r = uv_signal_init(handler->loop->uv, &handler->signal);
    if (r < 0) {
        handler->closed = true;
        free_if_over(handler);
        return r;
    }
    handler->loop->handles_open++;
    aio__count(AIO__COUNT_HANDLES, 1);
    handler->signal.data = (void *) (intptr_t) signum;
    remember(signum);
    r = uv_signal_start(&handler->signal, on_signal, signum);
    if (r < 0) {
        forget(signum);
        uv_close((uv_handle_t *) &handler->signal, on_closed);
        return r != UV_EINVAL
            ? r
            : asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                               "sig %d cannot be caught", signum);
    }
    return 0;
}

/* The target has no drop yet: when this fails its arg stays the caller's. */
static int
add_handler(asyncio_loop_t *loop, int signum, struct target *target)
{
    struct aio__signals *signals = signals_of(loop);
    struct handler *handler;
    int r;

    handler = signals != NULL ? aio__calloc(1, sizeof *handler) : NULL;
    if (handler == NULL) {
        target_end(target);
        return UV_ENOMEM;
    }
    handler->loop = loop;
    handler->target = target;
    handler->job.run = run_handler;
    aio__list_init(&handler->link);
    r = start(handler, signum);
    if (r < 0)
        return r;
    aio__list_push_back(&signals->handlers, &handler->link);
    return 0;
}

int
asyncio_loop_add_signal_handler(
    asyncio_loop_t *loop, int signum, asyncio_callback_t callback, void *arg,
    const asyncio_loop_add_signal_handler_options_t *options)
{
    struct target *target, *old = NULL;
    struct handler *handler;
    int r;

    r = check(signum);
    if (r == 0)
        r = callback != NULL ? aio__loop_usable(loop) : UV_EINVAL;
    if (r < 0)
        return r;
    target = target_new(callback, arg);
    if (target == NULL)
        return UV_ENOMEM;
    handler = find(loop, signum);
    if (handler != NULL) {
        old = handler->target;
        handler->target = target;
    } else {
        r = add_handler(loop, signum, target);
        if (r < 0)
            return r;
    }
    target->drop = aio__option(options, drop, NULL);
    if (old != NULL)
        target_end(old);
    return 0;
}

int
asyncio_loop_remove_signal_handler(asyncio_loop_t *loop, int signum)
{
    struct handler *handler;
    int r;

    r = check(signum);
    if (r < 0)
        return r;
    if (loop == NULL)
        return UV_EINVAL;
    if (loop->closed)
        return 0;
    r = aio__loop_usable(loop);
    if (r < 0)
        return r;
    handler = find(loop, signum);
    if (handler == NULL)
        return 0;
    remove_handler(handler);
    return 1;
}
