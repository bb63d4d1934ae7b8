/* SPDX-License-Identifier: MIT */
/*
 * Runners: the loop of a program, from its first task to the end of all.
 *
 * The end is the point: whatever is left is cancelled and waited for, errors
 * that nobody saw are reported, and only then is the loop closed. What begins
 * meanwhile is cancelled as well, in so many rounds; halfway through them other
 * threads are refused, or they could go on for ever. A stack is never unmapped
 * under a task, so a task that swallows every cancellation is named in the end,
 * and its loop is leaked.
 *
 * Python counterpart: asyncio.runners.
 */
#include "asyncio/runners.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "asyncio/threads.h"
#include "base/alloc.h"
#include "io/executor.h"
#include "loop/report.h"
#include "run/interrupt.h"
#include "task/task.h"

enum {
    CANCEL_ROUNDS = 100
};

struct asyncio_runner {
    asyncio_loop_t *loop;       /* NULL before the first use */
    asyncio_context_t *context; /* of all runs */
    asyncio_loop_factory_t factory;
    int debug;
    bool closed;
};

asyncio_runner_t *
asyncio_runner_new(const asyncio_run_options_t *options)
{
    asyncio_runner_t *runner = aio__calloc(1, sizeof *runner);

    if (runner == NULL)
        return NULL;
    runner->factory = aio__option(options, loop_factory, NULL);
    runner->debug = aio__option(options, debug, 0);
    return runner;
}

int
asyncio_runner_init(asyncio_runner_t *runner)
{
    int r;

    if (runner->closed)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Runner is closed");
    if (runner->loop != NULL)
        return 0;
    runner->context = asyncio_copy_context();
    if (runner->context == NULL)
        return UV_ENOMEM;
    r = runner->factory != NULL ? runner->factory(&runner->loop)
                                : asyncio_loop_new(NULL, &runner->loop);
    if (r < 0) {
        runner->loop = NULL;
        runner->context = asyncio_context_unref(runner->context);
        return r;
    }
    if (runner->debug != 0)
        asyncio_loop_set_debug(runner->loop, runner->debug > 0);
    return 0;
}

asyncio_loop_t *
asyncio_runner_get_loop(asyncio_runner_t *runner)
{
    return asyncio_runner_init(runner) < 0 ? NULL : runner->loop;
}

static int
run_main(asyncio_runner_t *runner, asyncio_task_t *task)
{
    struct aio__interrupt interrupt;
    int r;

    aio__interrupt_install(&interrupt, runner->loop, task);
    r = asyncio_loop_run_until_complete(runner->loop, task);
    aio__interrupt_restore(&interrupt);
    if (interrupt.late
        || (r == ASYNCIO_ERR_CANCELLED && interrupt.count > 0
            && asyncio_task_uncancel(task) == 0))
        r = asyncio_raise_at(ASYNCIO_ERR_INTERRUPTED, NULL, 0,
                             "interrupted by SIGINT");
    return r;
}

int
asyncio_runner_run(asyncio_runner_t *runner, asyncio_coro_t coro,
                   const asyncio_runner_run_options_t *options)
{
    asyncio_context_t *context = aio__option(options, context, NULL);
    asyncio_drop_t drop = aio__option(options, drop, NULL);
    asyncio_task_t *task;
    int r;

    if (aio__running != NULL)
        r = asyncio_raise_at(
            ASYNCIO_ERR_RUNTIME, NULL, 0,
            "Runner.run() cannot be called from a running event loop");
    else
        r = asyncio_runner_init(runner);
    if (r < 0) {
        if (drop != NULL)
            drop(coro.frame);
        return r;
    }
    asyncio_create_task_options_t create = {
        .size = sizeof create,
        .context = context != NULL ? context : runner->context,
        .drop = drop};

    task = asyncio_loop_create_task(runner->loop, coro, &create);
    r = run_main(runner, task);
    if (r >= 0 && drop == NULL && coro.frame != NULL)
        memcpy(coro.frame, asyncio_task_frame(task), coro.size);
    asyncio_future_unref(task);
    return r;
}

static void
report_leftovers(asyncio_loop_t *loop, asyncio_task_t **tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        asyncio_task_t *task = tasks[i];

        if (task->state != AIO__FINISHED || task->status >= 0)
            continue;
        asyncio_exception_context_t context = {
            .size = sizeof context,
            .message = "unhandled exception during asyncio.run() shutdown",
            .code = task->status,
            .exception = task->exception,
            .task = task,
            .socket = -1};

        asyncio_context_t *outer =
            aio__context_enter(asyncio_task_get_context(task));
        asyncio_loop_call_exception_handler(loop, &context);
        aio__context_enter(outer);
        task->unretrieved = false;
    }
}

/* Without memory for more: cancel, and run until they are gone. */
static void
cancel_in_place(asyncio_loop_t *loop)
{
    aio__list_foreach(link, &loop->tasks)
        aio__task_cancel(
            &aio__container_of(link, struct aio__task, link)->future, NULL);
    for (int i = 0; i < 1000 && !aio__list_empty(&loop->tasks); i++)
        if (asyncio_loop_run_once(loop, true) < 0)
            return;
}

static void
cancel_all_tasks(asyncio_loop_t *loop)
{
    static const asyncio_gather_options_t all = {.size = sizeof all,
                                                 .return_exceptions = true};
    asyncio_task_t **tasks;
    size_t count;

    if (asyncio_all_tasks(loop, &tasks, &count) < 0) {
        cancel_in_place(loop);
        return;
    }
    for (size_t i = 0; i < count; i++)
        aio__task_cancel(tasks[i], NULL);
    asyncio_future_t *gather = asyncio_gather_future(tasks, count, &all);
    if (gather->refs == AIO__IMMORTAL)
        cancel_in_place(loop);
    else
        asyncio_loop_run_until_complete(loop, gather);
    asyncio_future_unref(gather);
    report_leftovers(loop, tasks, count);
    asyncio_all_tasks_free(tasks, count);
}

static int
stop_executor(void *arg)
{
    asyncio_loop_t **loop = arg;

    return asyncio_loop_shutdown_default_executor(*loop,
                                                  ASYNCIO_THREAD_JOIN_TIMEOUT);
}

/* The threads of the default pool end before their loop. */
static void
shutdown_executor(asyncio_loop_t *loop)
{
    asyncio_task_t *task;

    if (loop->executor == NULL || loop->executor->pool == NULL)
        return;
    task = asyncio_task_new(
        loop, asyncio_coro_new(stop_executor, &loop, sizeof loop), NULL);
    if (asyncio_loop_run_until_complete(loop, task) < 0)
        asyncio_thread_pool_shutdown(loop->executor->pool, NULL);
    asyncio_future_unref(task);
}

static void
name_survivors(asyncio_loop_t *loop)
{
    aio__list_foreach(link, &loop->tasks) {
        struct aio__task *task =
            aio__container_of(link, struct aio__task, link);

        if (task->cancels > 0)
            aio__log(ASYNCIO_LOG_ERROR,
                     "%s swallowed %u cancellations; its loop is not closed",
                     asyncio_task_get_name(&task->future), task->cancels);
        else
            aio__log(ASYNCIO_LOG_ERROR,
                     "%s has not ended; its loop is not closed",
                     asyncio_task_get_name(&task->future));
    }
}

/* What is ready still gets its turn: in CPython while generators and executor
 * are shut down, each in a run of two passes. */
static void
last_passes(asyncio_loop_t *loop)
{
    for (int i = 0; i < 4; i++) {
        asyncio_loop_stop(loop);
        if (asyncio_loop_run_forever(loop) < 0)
            break;
    }
}

/* Callbacks and threads may start tasks until the executor is gone. */
static void
end_tasks(asyncio_loop_t *loop)
{
    int rounds = 0;

    for (int turn = 0; turn == 0 || !aio__list_empty(&loop->tasks); turn++) {
        while (rounds < CANCEL_ROUNDS && !aio__list_empty(&loop->tasks)) {
            if (++rounds > CANCEL_ROUNDS / 2)
                atomic_store(&loop->refuses, true);
            cancel_all_tasks(loop);
        }
        last_passes(loop);
        if (turn == 0)
            shutdown_executor(loop);
        if (rounds >= CANCEL_ROUNDS)
            break;
    }
    name_survivors(loop);
}

int
asyncio_runner_close(asyncio_runner_t *runner)
{
    asyncio_loop_t *loop = runner->loop;
    int r = 0;

    if (runner->closed)
        return 0;
    if (loop == NULL) {
        runner->closed = true;
        return 0;
    }
    if (loop->running)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Cannot close a runner while its loop runs");
    end_tasks(loop);
    r = asyncio_loop_close(loop);
    runner->closed = true;
    runner->loop = asyncio_loop_unref(loop);
    runner->context = asyncio_context_unref(runner->context);
    return r;
}

asyncio_runner_t *
asyncio_runner_unref(asyncio_runner_t *runner)
{
    if (runner == NULL)
        return NULL;
    asyncio_runner_close(runner);
    aio__free(runner, sizeof *runner);
    return NULL;
}

int
asyncio_run(asyncio_coro_t coro, const asyncio_run_options_t *options)
{
    asyncio_runner_run_options_t run = {
        .size = sizeof run, .drop = aio__option(options, drop, NULL)};
    asyncio_exception_t *detail;
    asyncio_runner_t *runner;
    int r;

    if (aio__running != NULL) {
        if (run.drop != NULL)
            run.drop(coro.frame);
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "asyncio.run() cannot be called from a "
                                "running event loop");
    }
    runner = asyncio_runner_new(options);
    if (runner == NULL) {
        if (run.drop != NULL)
            run.drop(coro.frame);
        return UV_ENOMEM;
    }
    r = asyncio_runner_run(runner, coro, &run);
    /* The end of the run may meet errors of its own; ours is the result. */
    detail = r < 0 ? aio__raised(r) : NULL;
    asyncio_runner_unref(runner);
    if (r < 0)
        aio__raise_exception(r, detail);
    return r;
}

static void
print_error(int code, const asyncio_exception_t *exception, int depth)
{
    const char *message = asyncio_exception_message(exception);
    const char *file;
    int line;

    fprintf(stderr, "%*s%s: %s", depth * 2, "", asyncio_err_name(code),
            message != NULL ? message : asyncio_strerror(code));
    file = asyncio_exception_place(exception, &line);
    if (file != NULL)
        fprintf(stderr, " (%s:%d)", file, line);
    fputc('\n', stderr);
    for (size_t i = 0; i < asyncio_error_group_count(exception); i++) {
        const asyncio_exception_t *error = asyncio_error_group_get(exception, i);

        print_error(asyncio_exception_code(error), error, depth + 1);
    }
}

int
asyncio_main(asyncio_coro_t coro, const asyncio_run_options_t *options)
{
    int r = asyncio_run(coro, options);

    if (r == ASYNCIO_ERR_INTERRUPTED) {
        /* As a shell expects of a program that Ctrl-C ended. What was printed
         * is not lost with it. */
        fflush(NULL);
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    if (r < 0) {
        const asyncio_exception_t *exception = asyncio_current_exception();

        print_error(r, asyncio_exception_code(exception) == r ? exception : NULL,
                    0);
        aio__raise_exception(r, NULL);
        return 1;
    }
    return r & 0xff;
}
