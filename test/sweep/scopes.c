/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of timeouts and groups, callbacks and timers, contexts, errors,
 * threads.
 */
#include "scopes.h"

#include "scenarios.h"

#include <pthread.h>
#include <string.h>

static int
kept(int r)
{
    return r == ASYNCIO_ERR_TIMEOUT ? 0 : r;
}

int
timeout_in_time(void)
{
    asyncio_timeout_t t;

    asyncio_timeout_enter(asyncio_timeout(&t, 5));
    return asyncio_timeout_exit(&t, asyncio_sleep(1));
}

int
timeout_expires(void)
{
    asyncio_timeout_t t;

    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    return kept(asyncio_timeout_exit(&t, asyncio_sleep(5)));
}

int
timeout_at_once(void)
{
    asyncio_timeout_t t;

    asyncio_timeout_enter(asyncio_timeout(&t, -1));
    return kept(asyncio_timeout_exit(&t, asyncio_sleep(5)));
}

int
timeouts_nested(void)
{
    asyncio_timeout_t t, u;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    asyncio_timeout_enter(asyncio_timeout(&u, 1));
    r = asyncio_timeout_exit(&u, asyncio_sleep(5));
    return kept(asyncio_timeout_exit(&t, r));
}

int
timeout_moved(void)
{
    asyncio_timeout_t t;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    r = asyncio_timeout_reschedule(&t, 3);
    if (r >= 0)
        r = asyncio_sleep(2);
    return asyncio_timeout_exit(&t, r);
}

int
timeout_swallowed(void)
{
    asyncio_timeout_t t;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    r = asyncio_sleep(5);
    if (r == ASYNCIO_ERR_CANCELLED && asyncio_timeout_expired(&t))
        r = asyncio_sleep(1);
    return asyncio_timeout_exit(&t, r);
}

enum group_kind {
    PLAIN_GROUP,
    CHILD_FAILS = 1,
    BODY_FAILS = 2,
    EAGER = 4,
    CANCELLED_GROUP = 8,
    WAITS = 16
};

static int
group(int kind)
{
    asyncio_task_group_t g;
    int r = 0;

    asyncio_task_group_enter(asyncio_task_group_init(&g));
    for (int i = 0; i < 3; i++)
        asyncio_task_group_create_task(
            &g,
            asyncio_coro(nap, .seconds = kind & EAGER && i == 0 ? -1 : 1 + i,
                         .result = kind & CHILD_FAILS && i == 1 ? UV_EIO : 0),
            .eager_start = (kind & EAGER) != 0);
    if (kind & WAITS)
        r = asyncio_sleep(2.5);
    if (kind & CANCELLED_GROUP)
        asyncio_task_group_cancel(&g);
    if (kind & BODY_FAILS)
        r = asyncio_raise(UV_EIO, "body");
    r = settle(asyncio_task_group_exit(&g, r));
    if (r == ASYNCIO_ERR_EXCEPTION_GROUP) /* and a cancellation may follow */
        r = asyncio_sleep(0);
    return r;
}

int
group_plain(void)
{
    return group(PLAIN_GROUP);
}

int
group_waits(void)
{
    return group(WAITS);
}

int
group_child_fails(void)
{
    return group(CHILD_FAILS);
}

int
group_child_fails_in_body(void)
{
    return group(CHILD_FAILS | WAITS);
}

int
group_body_fails(void)
{
    return group(BODY_FAILS | EAGER);
}

int
group_eager(void)
{
    return group(EAGER | WAITS);
}

int
group_cancelled(void)
{
    return group(CANCELLED_GROUP);
}

int
group_cancelled_late(void)
{
    return group(CANCELLED_GROUP | WAITS | EAGER);
}

int
groups_nested(void)
{
    asyncio_task_group_t outer, inner;
    int r;

    asyncio_task_group_enter(asyncio_task_group_init(&outer));
    asyncio_task_group_create_task(&outer, asyncio_coro(nap, .seconds = 3));
    asyncio_task_group_enter(asyncio_task_group_init(&inner));
    asyncio_task_group_create_task(
        &inner, asyncio_coro(nap, .seconds = 1, .result = UV_EIO));
    r = asyncio_task_group_exit(&inner, asyncio_sleep(9));
    r = settle(asyncio_task_group_exit(&outer, r));
    return r == ASYNCIO_ERR_EXCEPTION_GROUP ? asyncio_sleep(0) : r;
}

int
group_in_timeout(void)
{
    asyncio_timeout_t t;

    asyncio_timeout_enter(asyncio_timeout(&t, 1.5));
    return kept(settle(asyncio_timeout_exit(&t, group(PLAIN_GROUP))));
}

int
timeout_in_group(void)
{
    asyncio_task_group_t g;
    asyncio_timeout_t t;
    int r;

    asyncio_task_group_enter(asyncio_task_group_init(&g));
    asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .seconds = 1, .result = UV_EIO));
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    r = asyncio_timeout_exit(&t, asyncio_sleep(5));
    r = settle(asyncio_task_group_exit(&g, r));
    return r == ASYNCIO_ERR_EXCEPTION_GROUP ? asyncio_sleep(0) : r;
}

static int
do_nothing(void *arg)
{
    (void) arg;
    return 0;
}

static int
count_call(void *arg)
{
    (void) arg;
    return asyncio_raise(UV_EIO, "reported");
}

int
callbacks_soon(void)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int r = 0;

    for (int i = 0; i < 5 && r >= 0; i++)
        r = asyncio_loop_call_soon(loop, do_nothing, NULL);
    return r < 0 ? r : asyncio_sleep(0);
}

int
callbacks_timed(void)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_handle_t *handles[40];
    int r = 0, made = 0;

    while (made < 40 && r >= 0) {
        r = asyncio_loop_call_later(loop, made % 7, do_nothing, NULL,
                                    .ret_handle = &handles[made]);
        made += r >= 0;
    }
    if (r >= 0)
        r = asyncio_sleep(3.5);
    for (int i = 0; i < made; i++) {
        asyncio_handle_cancel(handles[i]);
        asyncio_handle_unref(handles[i]);
    }
    return r;
}

int
callbacks_dropped(void)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_handle_t *handle;
    int r = asyncio_loop_call_soon(loop, do_nothing, loop,
                                   .ret_handle = &handle,
                                   .drop = count_drop);

    if (r < 0)
        return r;
    asyncio_handle_cancel(handle);
    asyncio_handle_unref(handle);
    return asyncio_sleep(0);
}

int
callback_fails(void)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int r;

    asyncio_loop_set_exception_handler(loop, report_handler, NULL);
    r = asyncio_loop_call_soon(loop, count_call, NULL);
    return r < 0 ? r : asyncio_sleep(0);
}

static int
on_done(asyncio_future_t *future, void *arg)
{
    (void) future;
    (void) arg;
    return 0;
}

int
done_callbacks(void)
{
    asyncio_task_t *task = start(1, 0);
    int r = asyncio_future_add_done_callback(task, on_done, NULL,
                                             .drop = count_drop);

    if (r >= 0)
        r = asyncio_future_add_done_callback(task, on_done, task);
    if (r >= 0)
        asyncio_future_remove_done_callback(task, on_done, task);
    if (r >= 0)
        r = asyncio_await(task);
    stop(&task, 1);
    return r;
}

int
errors_with_detail(void)
{
    asyncio_future_t *f = asyncio_future_new();
    int r;

    r = asyncio_future_set_exception(f, asyncio_raise(UV_EIO, "disk %d", 1));
    if (r < 0) {
        r = asyncio_future_result(f); /* it could not even be made */
        asyncio_future_unref(f);
        return r;
    }
    r = asyncio_await(f);
    if (r == UV_EIO)
        r = asyncio_raise_from(ASYNCIO_ERR_VALUE, "because");
    asyncio_future_unref(f);
    return r == ASYNCIO_ERR_VALUE ? asyncio_sleep(0) : r;
}

static int
cancel_me(void *task)
{
    asyncio_task_cancel(task, .message = "by a timer");
    return 0;
}

int
cancelled_by_timer(void)
{
    asyncio_task_t *task = start(5, 0);
    asyncio_handle_t *handle;
    int r = asyncio_loop_call_later(asyncio_get_running_loop(), 1, cancel_me,
                                    task, .ret_handle = &handle);

    if (r >= 0) {
        r = asyncio_await(task);
        if (r == ASYNCIO_ERR_CANCELLED
            && asyncio_task_cancelling(asyncio_current_task()) == 0)
            r = 0;
        asyncio_handle_cancel(handle);
        asyncio_handle_unref(handle);
    }
    stop(&task, 1);
    return r;
}

static asyncio_context_var_t *var;

static int
sets_var(void *arg)
{
    int r = asyncio_context_var_set(var, arg, .drop = count_drop);

    return r < 0 ? r : asyncio_sleep(1);
}

int
context_values(void)
{
    asyncio_context_token_t token;
    int r;

    if (var == NULL)
        var = asyncio_context_var_new("var");
    if (var == NULL)
        return UV_ENOMEM;
    r = asyncio_context_var_set(var, &var, .ret_token = &token);
    if (r >= 0) {
        r = asyncio_sleep(0);
        if (r >= 0)
            r = asyncio_context_var_reset(var, &token);
        asyncio_context_token_fini(&token);
    }
    var = asyncio_context_var_unref(var);
    return r;
}

int
context_given(void)
{
    asyncio_context_t *context = asyncio_copy_context();
    int r;

    if (context == NULL)
        return UV_ENOMEM;
    var = asyncio_context_var_new("var");
    if (var == NULL) {
        asyncio_context_unref(context);
        return UV_ENOMEM;
    }
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(sets_var), .context = context);
    r = asyncio_await(task);
    if (r >= 0)
        r = asyncio_context_run(context, sets_var, NULL);
    stop(&task, 1);
    asyncio_context_unref(context);
    var = asyncio_context_var_unref(var);
    return r;
}

static void *
call_from_thread(void *arg)
{
    asyncio_future_t *f = arg;
    int r = asyncio_loop_call_soon_threadsafe(asyncio_future_get_loop(f),
                                              do_nothing, NULL);

    return (void *) (intptr_t) r;
}

int
call_from_a_thread(void)
{
    asyncio_future_t *f = asyncio_future_new();
    pthread_t thread;
    void *result = NULL;
    int r = asyncio_future_done(f) ? asyncio_future_result(f) : 0;

    if (r >= 0 && pthread_create(&thread, NULL, call_from_thread, f) == 0) {
        pthread_join(thread, &result);
        r = (int) (intptr_t) result;
    }
    asyncio_future_unref(f);
    return r < 0 ? r : asyncio_sleep(0);
}

static void *
run_in_thread(void *arg)
{
    (void) arg;
    int r = asyncio_testing_run(asyncio_coro(nap, .seconds = 1));

    return (void *) (intptr_t) r;
}

int
run_in_a_thread(void)
{
    pthread_t thread;
    void *result = NULL;

    if (pthread_create(&thread, NULL, run_in_thread, NULL) == 0)
        pthread_join(thread, &result);
    return result != NULL ? (int) (intptr_t) result : asyncio_sleep(0);
}

int
eager_factory(void)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_task_t *tasks[3];
    int r;

    asyncio_loop_set_task_factory(loop, asyncio_eager_task_factory);
    for (int i = 0; i < 3; i++)
        tasks[i] = start(i - 1, 0);
    asyncio_loop_set_task_factory(loop, NULL);
    r = asyncio_gather(tasks, 3);
    stop(tasks, 3);
    return r;
}

int
debug_mode(void)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    int r;

    asyncio_loop_set_debug(loop, true);
    r = group(WAITS | EAGER);
    asyncio_loop_set_debug(loop, false);
    return r;
}

int
cancels_itself(void)
{
    asyncio_task_t *me = asyncio_current_task();
    unsigned before = asyncio_task_cancelling(me);
    int r;

    asyncio_task_cancel(me, .message = "by itself");
    r = asyncio_sleep(1);
    if (r == ASYNCIO_ERR_CANCELLED
        && asyncio_task_uncancel(me) == before && before == 0)
        r = asyncio_sleep(1);
    return r;
}

int
leaves_tasks_running(void)
{
    for (int i = 0; i < 3; i++) {
        asyncio_task_t *task = asyncio_create_task(
            asyncio_coro(stubborn, .seconds = 100, .cleanup = i,
                         .answer = ASYNCIO_ERR_CANCELLED));
        int r = asyncio_task_done(task) ? asyncio_task_result(task) : 0;

        asyncio_task_unref(task);
        if (r < 0)
            return r;
    }
    return asyncio_sleep(1);
}
