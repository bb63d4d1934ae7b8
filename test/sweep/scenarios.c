/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of tasks, futures, gather, wait, shield and wait_for; those of
 * scopes, callbacks and contexts follow in scopes.c.
 */
#include "scenarios.h"

#include "scopes.h"

#include <string.h>

#define TRY(expression)                                                       \
    do {                                                                      \
        int try_r = (expression);                                             \
        if (try_r < 0)                                                        \
            return try_r;                                                     \
    } while (0)

int
settle(int r)
{
    if (r == ASYNCIO_ERR_EXCEPTION_GROUP
        && asyncio_exception_matches(asyncio_current_exception(), UV_ENOMEM))
        return UV_ENOMEM;
    return r;
}

asyncio_task_t *
start(double seconds, int result)
{
    return asyncio_create_task(
        asyncio_coro(nap, .seconds = seconds, .result = result));
}

void
stop(asyncio_task_t **tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        asyncio_task_cancel(tasks[i]);
        tasks[i] = asyncio_task_unref(tasks[i]);
    }
}

static int
yield_thrice(void)
{
    for (int i = 0; i < 3; i++)
        TRY(asyncio_sleep(0));
    return 0;
}

static int
sleep_thrice(void)
{
    for (int i = 0; i < 3; i++)
        TRY(asyncio_sleep(i));
    return 0;
}

static int
set_result(void *future)
{
    if (!asyncio_future_done(future))
        return asyncio_future_set_result(future, NULL);
    return 0;
}

static void
unref_drop(void *future)
{
    asyncio_future_unref(future);
}

static int
await_future(void)
{
    asyncio_future_t *f = asyncio_future_new();
    int r;

    r = asyncio_loop_call_later(asyncio_get_running_loop(), 1, set_result,
                                asyncio_future_ref(f), .drop = unref_drop);
    if (r < 0)
        asyncio_future_unref(f);
    else
        r = asyncio_await(f);
    asyncio_future_unref(f);
    return r;
}

static int
await_task(void)
{
    asyncio_task_t *task = start(1, 0);
    int r = asyncio_await(task);

    asyncio_task_unref(task);
    return r;
}

static int
await_many(void)
{
    asyncio_task_t *tasks[20];
    int r = 0;

    for (int i = 0; i < 20; i++)
        tasks[i] = start(i % 3, 0);
    for (int i = 0; i < 20 && r >= 0; i++)
        r = asyncio_await(tasks[i]);
    stop(tasks, 20);
    return r;
}

struct nest {
    int depth;
    bool eager;
};

static int
nest(void *arg)
{
    struct nest *self = arg;
    int r;

    if (self->depth == 0)
        return asyncio_sleep(1);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nest, .depth = self->depth - 1, .eager = self->eager),
        .eager_start = self->eager);
    r = asyncio_await(task);
    asyncio_task_unref(task);
    return r;
}

static int
nested_tasks(void)
{
    return asyncio_await(asyncio_coro(nest, .depth = 6));
}

static int
nested_eager_tasks(void)
{
    return asyncio_await(asyncio_coro(nest, .depth = 6, .eager = true));
}

static int
eager_that_ends(void)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .seconds = -1), .eager_start = true);
    int r = asyncio_await(task);

    asyncio_task_unref(task);
    return r;
}

static int
named_task(void)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .seconds = 1), .name = "a task with a name");
    char text[64];
    int r = asyncio_await(task);

    asyncio_task_repr(task, text, sizeof text);
    if (r >= 0)
        r = asyncio_task_set_name(task, "another");
    (void) asyncio_task_get_name(asyncio_current_task());
    asyncio_task_unref(task);
    return r;
}

static int
odd_stacks(void)
{
    asyncio_task_t *tasks[3];
    int r = 0;

    for (size_t i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(nap, .seconds = 1),
                                       .stack_size = (17 + 16 * i) * 1024);
    for (size_t i = 0; i < 3 && r >= 0; i++)
        r = asyncio_await(tasks[i]);
    stop(tasks, 3);
    return r;
}

static int
gather_kind(int kind)
{
    asyncio_task_t *tasks[] = {start(1, 0), start(2, kind == 1 ? UV_EIO : 0),
                               start(3, 0)};
    int r = asyncio_gather(tasks, 3, .return_exceptions = kind == 2);

    if (r == UV_EIO)
        r = 0;
    if (r >= 0 && kind == 2)
        for (int i = 0; i < 3 && r >= 0; i++)
            r = asyncio_task_result(tasks[i]);
    stop(tasks, 3);
    return r;
}

static int
gather_three(void)
{
    return gather_kind(0);
}

static int
gather_a_failure(void)
{
    return gather_kind(1);
}

static int
gather_exceptions(void)
{
    return gather_kind(2);
}

static int
gather_nested(void)
{
    asyncio_task_t *tasks[] = {start(1, 0), start(2, 0)};
    asyncio_future_t *first = asyncio_gather_future(tasks, 2);
    asyncio_future_t *both[] = {first, tasks[0], first};
    int r = asyncio_gather(both, 3);

    asyncio_future_unref(first);
    stop(tasks, 2);
    return r;
}

static int
gather_of_done(void)
{
    asyncio_task_t *tasks[] = {start(-1, 0), start(-1, 0)};
    int r = asyncio_sleep(0);

    if (r >= 0)
        r = asyncio_gather(tasks, 2);
    stop(tasks, 2);
    return r;
}

static int
wait_kind(asyncio_return_when_t when, double timeout)
{
    asyncio_task_t *tasks[] = {start(1, 0), start(2, UV_EIO), start(3, 0)};
    int r = asyncio_wait(tasks, 3, .return_when = when, .timeout = timeout);

    /* A child without memory is done, too. */
    for (int i = 0; i < 3; i++)
        if (asyncio_task_done(tasks[i]))
            (void) asyncio_task_exception(tasks[i]);
    stop(tasks, 3);
    return r < 0 ? r : 0;
}

static int
wait_all(void)
{
    return wait_kind(ASYNCIO_ALL_COMPLETED, 0);
}

static int
wait_first(void)
{
    return wait_kind(ASYNCIO_FIRST_COMPLETED, 0);
}

static int
wait_first_error(void)
{
    return wait_kind(ASYNCIO_FIRST_EXCEPTION, 0);
}

static int
wait_with_timeout(void)
{
    return wait_kind(ASYNCIO_ALL_COMPLETED, 1.5);
}

static int
shield_future(void)
{
    asyncio_task_t *task = start(1, 0);
    int r = asyncio_shield(task);

    stop(&task, 1);
    return r;
}

static int
shield_coro(void)
{
    return asyncio_shield(asyncio_coro(nap, .seconds = 1));
}

static int
shield_left_behind(void)
{
    asyncio_task_t *task = start(1, 0);
    asyncio_future_t *outer = asyncio_shield_future(task);
    int r;

    asyncio_future_cancel(outer);
    r = asyncio_sleep(2);
    if (r >= 0 && asyncio_task_done(task))
        r = asyncio_task_result(task);
    asyncio_future_unref(outer);
    stop(&task, 1);
    return r;
}

static int
wait_for_coro(void)
{
    return asyncio_wait_for(asyncio_coro(nap, .seconds = 1), 2);
}

static int
expect_timeout(int r)
{
    return r == ASYNCIO_ERR_TIMEOUT ? 0 : r;
}

static int
wait_for_coro_too_long(void)
{
    return expect_timeout(asyncio_wait_for(
        asyncio_coro(stubborn, .seconds = 5, .cleanup = 1,
                     .answer = ASYNCIO_ERR_CANCELLED),
        1));
}

static int
wait_for_task_kind(double seconds)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(stubborn, .seconds = 5, .cleanup = 1,
                     .answer = ASYNCIO_ERR_CANCELLED));
    int r = asyncio_sleep(0);

    if (r >= 0)
        r = expect_timeout(asyncio_wait_for(task, seconds));
    stop(&task, 1);
    return r;
}

static int
wait_for_task(void)
{
    return wait_for_task_kind(10);
}

static int
wait_for_task_too_long(void)
{
    return wait_for_task_kind(1);
}

static int
wait_for_task_no_time(void)
{
    return wait_for_task_kind(0);
}

static int
wait_for_coro_no_time(void)
{
    return expect_timeout(
        asyncio_wait_for(asyncio_coro(nap, .seconds = 1), 0));
}

static int
cancel_a_chain(void)
{
    asyncio_task_t *tasks[5];
    int r;

    tasks[0] = start(9, 0);
    for (int i = 1; i < 5; i++)
        tasks[i] =
            asyncio_create_task(asyncio_coro(await_it, .future = tasks[i - 1]));
    r = asyncio_sleep(0);
    if (r >= 0)
        r = asyncio_sleep(0);
    asyncio_task_cancel(tasks[4], .message = "the end");
    if (r >= 0 && asyncio_await(tasks[4]) == ASYNCIO_ERR_CANCELLED
        && asyncio_task_cancelling(asyncio_current_task()) > 0)
        r = ASYNCIO_ERR_CANCELLED;
    stop(tasks, 5);
    return r;
}

static int
before_first_step(void)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .seconds = 1), .drop = count_drop);
    int r = asyncio_task_done(task) ? asyncio_task_result(task) : 0;

    stop(&task, 1);
    return r < 0 ? r : asyncio_sleep(0);
}

static int
list_tasks(void)
{
    asyncio_task_t *tasks[] = {start(1, 0), start(1, 0)};
    asyncio_task_t **all;
    size_t count;
    int r = asyncio_all_tasks(NULL, &all, &count);

    if (r >= 0)
        asyncio_all_tasks_free(all, count);
    if (r >= 0)
        r = asyncio_sleep(2);
    stop(tasks, 2);
    return r;
}

static int
swallow(void)
{
    int r = asyncio_sleep(1);

    if (r == ASYNCIO_ERR_CANCELLED)
        asyncio_task_uncancel(asyncio_current_task());
    return r == ASYNCIO_ERR_CANCELLED ? 0 : r;
}

const struct sweep_scene sweep_scenes[] = {
#define SCENE(name) {#name, name, false}
    SCENE(yield_thrice),
    SCENE(sleep_thrice),
    SCENE(await_future),
    SCENE(await_task),
    SCENE(await_many),
    SCENE(nested_tasks),
    SCENE(nested_eager_tasks),
    SCENE(eager_that_ends),
    SCENE(named_task),
    SCENE(odd_stacks),
    SCENE(gather_three),
    {"gather_a_failure", gather_a_failure, true}, /* its error wins */
    SCENE(gather_exceptions),
    SCENE(gather_nested),
    SCENE(gather_of_done),
    SCENE(wait_all),
    SCENE(wait_first),
    SCENE(wait_first_error),
    SCENE(wait_with_timeout),
    SCENE(shield_future),
    SCENE(shield_coro),
    SCENE(shield_left_behind),
    SCENE(wait_for_coro),
    SCENE(wait_for_coro_too_long),
    SCENE(wait_for_task),
    SCENE(wait_for_task_too_long),
    SCENE(wait_for_task_no_time),
    SCENE(wait_for_coro_no_time),
    SCENE(cancel_a_chain),
    SCENE(before_first_step),
    SCENE(list_tasks),
    {"swallow", swallow, true},
    SCOPE_SCENES,
};
const int sweep_scenes_count = sizeof sweep_scenes / sizeof sweep_scenes[0];
