/* SPDX-License-Identifier: MIT */
/*
 * Tasks: made, run, cancelled, ended.
 *
 * A task is one allocation: future, fiber, timer slot, context and frame.
 * The loop holds a reference from creation to the end, so a running task
 * never vanishes (CPython's can). A task that is cancelled before its first
 * step ends without a stack.
 *
 * Python counterpart: asyncio.tasks.Task, whose order of events this follows.
 */
#include "task/task.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/single_threaded.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/panic.h"
#include "base/probe.h"
#include "loop/report.h"
#include "task/roster.h"

static atomic_uint last_number;

/* A locked addition costs as much as a switch: while there is one thread, as
 * the C library knows, it is not needed. */
static uint32_t
next_number(void)
{
    uint32_t number;

    if (!__libc_single_threaded)
        return atomic_fetch_add_explicit(&last_number, 1,
                                         memory_order_relaxed)
            + 1;
    number = atomic_load_explicit(&last_number, memory_order_relaxed) + 1;
    atomic_store_explicit(&last_number, number, memory_order_relaxed);
    return number;
}

static size_t
task_size(uint32_t frame_size)
{
    return sizeof(struct aio__task) + frame_size;
}

/* The last reference to the context, which is the last one to the task. */
aio__inline void
release(asyncio_context_t *own)
{
    struct aio__task *task = aio__container_of(own, struct aio__task, own);

    aio__context_fini(own);
    aio__block_free(task, task_size(task->future.frame_size));
}

static void
on_release(asyncio_context_t *own)
{
    release(own);
}

static void
task_destroy(asyncio_future_t *future)
{
    struct aio__task *task = (struct aio__task *) future;

    if (aio__unlikely(aio__roster_visited(future->loop))
        && aio__roster_keep(task))
        return;
    if (aio__unlikely(future->unretrieved))
        aio__future_report(future, "Task exception was never retrieved",
                           task->site);
    aio__timerheap_release(&future->loop->timers, &task->timer);
    aio__future_fini(future);
    if (aio__unlikely(task->fiber.raised != NULL))
        aio__exception_unref(task->fiber.raised);
    if (aio__unlikely(task->fiber.message != NULL))
        aio__exception_unref(task->fiber.message);
    if (task->name != NULL)
        aio__strfree(task->name);
    if (task->fiber.context != &task->own)
        asyncio_context_unref(task->fiber.context);
    aio__context_drop_to(&task->own, release);
}

const struct aio__future_type aio__task_type = {
    .name = "Task", .cancel = aio__task_cancel, .destroy = task_destroy};

/* What its function returned, or why it never ran, is the end. */
aio__inline void
finish(struct aio__task *task, int r, asyncio_exception_t *exception)
{
    struct aio__fiber *fiber = &task->fiber;

    aio__probe(task_end, task, r);
    aio__roster_remove(task);
    if (r >= 0 && fiber->must_cancel) {
        /* It was cancelled, and did not suspend any more. */
        fiber->must_cancel = false;
        r = ASYNCIO_ERR_CANCELLED;
        exception = fiber->message;
        fiber->message = NULL;
    }
    aio__future_finish(
        &task->future,
        r == ASYNCIO_ERR_CANCELLED ? AIO__CANCELLED : AIO__FINISHED, r,
        exception);
    if (aio__unlikely(r == ASYNCIO_ERR_INTERRUPTED
                      || r == ASYNCIO_ERR_SYSTEM_EXIT))
        aio__loop_interrupt(task->future.loop, r);
}

static void
check_scopes(struct aio__task *task)
{
    if (aio__unlikely(task->scopes != NULL))
        aio__panic("%s ended with an open %s",
                   asyncio_task_get_name(&task->future), task->scopes->kind);
}

static void
task_run(struct aio__fiber *fiber)
{
    struct aio__task *task = aio__task_of(fiber);
    asyncio_exception_t *exception = NULL;
    int r = task->fn(task->future.value);

    check_scopes(task);
    if (aio__unlikely(r < 0))
        exception = aio__raised(r);
    fiber->ended_eagerly = fiber->back != NULL;
    finish(task, r, exception);
}

static void
task_end(struct aio__fiber *fiber)
{
    aio__future_unref(&aio__task_of(fiber)->future);
}

static void
task_never(struct aio__fiber *fiber, int r, asyncio_exception_t *exception)
{
    finish(aio__task_of(fiber), r, exception);
    task_end(fiber);
}

/* Python says so when the garbage collector finds such a task. */
static void
task_lost(struct aio__fiber *fiber)
{
    struct aio__task *task = aio__task_of(fiber);

    aio__future_report(&task->future, "Task was destroyed but it is pending!",
                       task->site);
    task_never(fiber, ASYNCIO_ERR_CANCELLED, NULL);
}

static const struct aio__fiber_ops ops = {.run = task_run,
                                          .never = task_never,
                                          .end = task_end,
                                          .describe = aio__task_describe,
                                          .lost = task_lost};

/* The sleep is over. The running loop is the task's, whose own pointer to it
 * is in another cache line. */
static void
on_timer(struct aio__timer *timer)
{
    struct aio__task *task = aio__container_of(timer, struct aio__task, timer);

    aio__wake_fiber(aio__running, &task->fiber);
}

static aio__cold asyncio_task_t *
refuse(int code, void *frame, const asyncio_create_task_options_t *options)
{
    asyncio_drop_t drop = aio__option(options, drop, NULL);

    if (drop != NULL)
        drop(frame);
    return aio__future_failed(code);
}

/* Of the current context; inlined for a task that makes tasks. */
static struct aio__map *
current_map(void)
{
    asyncio_loop_t *loop = aio__running;

    if (aio__likely(loop != NULL && loop->current != NULL))
        return loop->current->context->map;
    return aio__context_current()->map;
}

aio__inline void
init_fiber(struct aio__task *task, const asyncio_create_task_options_t *options)
{
    asyncio_context_t *context = aio__option(options, context, NULL);

    task->fiber = (struct aio__fiber){
        .context = context != NULL ? asyncio_context_ref(context) : &task->own,
        .stack_size =
            (uint32_t) ((aio__option(options, stack_size, 0) + 1023) / 1024),
        .depth = 2};
    aio__context_init(&task->own, context != NULL ? NULL : current_map(),
                      on_release);
}

aio__inline struct aio__task *
make(asyncio_loop_t *loop, asyncio_coro_fn_t fn, void *frame, uint32_t size,
     const asyncio_site_t *site, const asyncio_create_task_options_t *options)
{
    const char *name = aio__option(options, name, NULL);
    struct aio__task *task = aio__block_alloc(task_size(size));

    if (task == NULL)
        return NULL;
    task->name = NULL;
    if (name != NULL && (task->name = aio__strdup(name)) == NULL)
        goto no_memory;
    if (aio__timerheap_reserve(&loop->timers, &task->timer, on_timer) < 0)
        goto no_memory;
    aio__future_init(&task->future, &aio__task_type, loop);
    task->future.value = frame != NULL ? task->frame : NULL;
    task->future.drop = aio__option(options, drop, NULL);
    if (frame != NULL)
        memcpy(task->frame, frame, size);
    init_fiber(task, options);
    task->fn = fn;
    task->site = site;
    task->scopes = NULL;
    task->number = name == NULL ? next_number() : 0;
    task->cancels = 0;
    task->future.frame_size = size;
    return task;

no_memory:
    aio__strfree(task->name);
    aio__block_free(task, task_size(size));
    return NULL;
}

/* The coroutine object comes in registers: it was written a moment ago, and
 * copying it would wait for the writes. */
aio__inline asyncio_task_t *
start_with(asyncio_loop_t *loop, asyncio_coro_fn_t fn, void *frame,
           size_t size, const asyncio_site_t *site,
           const asyncio_create_task_options_t *options)
{
    size_t stack_size = aio__option(options, stack_size, 0);
    struct aio__task *task;
    int r;

    if (fn == NULL || size > UINT32_MAX / 2
        || (stack_size != 0 && stack_size < AIO__STACK_MIN)
        || stack_size > AIO__STACK_MAX)
        return refuse(UV_EINVAL, frame, options);
    r = aio__loop_usable(loop);
    if (r < 0)
        return refuse(r, frame, options);
    task = make(loop, fn, frame, (uint32_t) size, site, options);
    if (task == NULL)
        return refuse(UV_ENOMEM, frame, options);
    aio__probe(task_create, task, fn);
    loop->fiber_ops = &ops;
    task->future.refs = 2; /* the caller's, and the loop's until the end */
    aio__roster_add(loop, task);
    if (aio__option(options, eager_start, 0) > 0 && aio__running == loop
        && !loop->ending)
        aio__fiber_start_eager(loop, &task->fiber);
    else
        aio__ready(loop, &task->fiber.job);
    return &task->future;
}

/* Most tasks are made without keywords. */
static asyncio_task_t *
start(asyncio_loop_t *loop, asyncio_coro_fn_t fn, void *frame, size_t size,
      const asyncio_site_t *site, const asyncio_create_task_options_t *options)
{
    if (aio__likely(options == NULL))
        return start_with(loop, fn, frame, size, site, NULL);
    return start_with(loop, fn, frame, size, site, options);
}

asyncio_task_t *
asyncio_task_new(asyncio_loop_t *loop, asyncio_coro_t coro,
                 const asyncio_create_task_options_t *options)
{
    return start(loop, coro.fn, coro.frame, coro.size, coro.site, options);
}

asyncio_task_t *
asyncio_loop_create_task(asyncio_loop_t *loop, asyncio_coro_t coro,
                         const asyncio_create_task_options_t *options)
{
    if (aio__unlikely(loop != NULL && loop->task_factory != NULL))
        return ((asyncio_task_factory_t) loop->task_factory)(loop, coro,
                                                             options);
    return asyncio_task_new(loop, coro, options);
}

asyncio_task_t *
asyncio_create_task_from(asyncio_coro_fn_t fn, void *frame, size_t size,
                         const asyncio_site_t *site,
                         const asyncio_create_task_options_t *options)
{
    asyncio_loop_t *loop = aio__running;

    if (aio__unlikely(loop == NULL)) {
        asyncio_get_running_loop(); /* says so */
        return refuse(ASYNCIO_ERR_NO_RUNNING_LOOP, frame, options);
    }
    if (aio__unlikely(loop->task_factory != NULL)) {
        asyncio_coro_t coro = {fn, frame, size, site};

        return asyncio_loop_create_task(loop, coro, options);
    }
    return start(loop, fn, frame, size, site, options);
}

asyncio_task_t *
asyncio_create_task(asyncio_coro_t coro,
                    const asyncio_create_task_options_t *options)
{
    return asyncio_create_task_from(coro.fn, coro.frame, coro.size, coro.site,
                                    options);
}

asyncio_future_t *
asyncio_ensure_future_coro(asyncio_coro_t coro)
{
    asyncio_loop_t *loop = asyncio_get_event_loop();

    if (loop == NULL)
        return aio__future_failed(ASYNCIO_ERR_NO_RUNNING_LOOP);
    return asyncio_loop_create_task(loop, coro, NULL);
}

void
asyncio_loop_set_task_factory(asyncio_loop_t *loop,
                              asyncio_task_factory_t factory)
{
    loop->task_factory = (void (*)(void)) factory;
}

asyncio_task_factory_t
asyncio_loop_get_task_factory(const asyncio_loop_t *loop)
{
    return (asyncio_task_factory_t) loop->task_factory;
}

asyncio_task_t *
asyncio_eager_task_factory(asyncio_loop_t *loop, asyncio_coro_t coro,
                           const asyncio_create_task_options_t *options)
{
    asyncio_create_task_options_t eager = {
        .size = sizeof eager,
        .name = aio__option(options, name, NULL),
        .context = aio__option(options, context, NULL),
        .drop = aio__option(options, drop, NULL),
        .stack_size = aio__option(options, stack_size, 0),
        .eager_start = aio__option(options, eager_start, 0) < 0 ? 0 : 1};

    return asyncio_task_new(loop, coro, &eager);
}

bool
aio__task_cancel(asyncio_future_t *future, asyncio_exception_t *message)
{
    struct aio__fiber *fiber;
    asyncio_task_t *awaited;
    asyncio_exception_t *former;

    future->unretrieved = false;
    if (future->state != AIO__PENDING)
        return false;
    /* Down the chain of tasks that await each other, however long. */
    for (;;) {
        struct aio__task *task = (struct aio__task *) future;

        task->cancels++;
        aio__probe(task_cancel, task, task->cancels);
        fiber = &task->fiber;
        awaited = aio__awaited_task(fiber->waiter);
        if (awaited == NULL)
            break;
        future = awaited;
    }
    if (fiber->waiter != NULL && fiber->waiter->cancel(fiber->waiter, message))
        return true;
    former = fiber->message;
    fiber->must_cancel = true;
    fiber->message = aio__exception_ref(message);
    aio__exception_unref(former);
    return true;
}

/* NULL, and an immortal failed future, are no tasks. */
static const struct aio__task *
as_task(const asyncio_task_t *task)
{
    return task != NULL && task->type == &aio__task_type
        ? (const struct aio__task *) task
        : NULL;
}

unsigned
asyncio_task_cancelling(const asyncio_task_t *task)
{
    return as_task(task) != NULL ? as_task(task)->cancels : 0;
}

unsigned
asyncio_task_uncancel(asyncio_task_t *future)
{
    struct aio__task *task = aio__task_from(future);

    if (task == NULL || task->cancels == 0)
        return 0;
    task->cancels--;
    if (task->cancels == 0)
        task->fiber.must_cancel = false;
    return task->cancels;
}

asyncio_task_t *
asyncio_current_task(void)
{
    asyncio_loop_t *loop = aio__running;

    if (loop == NULL || loop->current == NULL)
        return loop != NULL ? loop->entered : NULL;
    return &aio__task_of(loop->current)->future;
}
