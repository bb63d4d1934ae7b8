/* SPDX-License-Identifier: MIT */
/* Reports and debug mode: what is said about errors that nobody handles. */
#include <asyncio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "behaviour.h"

#define LOOP asyncio_get_running_loop()

/* What was logged, and what the exception handler was told. */
static char logged[4096];
static char messages[1024];
static asyncio_exception_context_t last;
static const char *last_site;

static void
on_log(asyncio_log_level_t level, const char *text, void *arg)
{
    (void) level;
    (void) arg;
    strncat(logged, text, sizeof logged - strlen(logged) - 1);
}

static int
on_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
          void *arg)
{
    ck_assert_ptr_eq(loop, arg);
    strncat(messages, context->message,
            sizeof messages - strlen(messages) - 1);
    last = *context;
    last_site = context->source_traceback != NULL
        ? context->source_traceback->name
        : NULL;
    return 0;
}

static void
listen_to(asyncio_loop_t *loop)
{
    asyncio_set_log_callback(on_log, NULL);
    asyncio_loop_set_exception_handler(loop, on_report, loop);
}

static int
fails(void *arg)
{
    (void) arg;
    return asyncio_raise(UV_EIO, "disk %d", 7);
}

static int
nothing(void *arg)
{
    (void) arg;
    return 0;
}

static void
passes(int n)
{
    while (n-- > 0)
        assert_r(asyncio_sleep(0), 0);
}

struct call {
    asyncio_loop_t *loop;
    int soon, later, at;
};

static void *
call_from_outside(void *arg)
{
    struct call *self = arg;

    self->soon = asyncio_loop_call_soon(self->loop, nothing, NULL);
    self->later = asyncio_loop_call_later(self->loop, 0, nothing, NULL);
    self->at = asyncio_loop_call_at(self->loop, 0, nothing, NULL);
    return NULL;
}

static struct call
calls_of_another_thread(asyncio_loop_t *loop)
{
    struct call call = {.loop = loop};
    pthread_t thread;

    pthread_create(&thread, NULL, call_from_outside, &call);
    pthread_join(thread, NULL);
    return call;
}

/* parity: test_base_events.py BaseEventLoopTests test_check_thread */
BEHAVIOUR(debug_mode_refuses_calls_from_a_wrong_thread)
{
    struct call call;

    asyncio_loop_set_debug(LOOP, true);
    call = calls_of_another_thread(LOOP);
    assert_r(call.soon, ASYNCIO_ERR_WRONG_THREAD);
    assert_r(call.later, ASYNCIO_ERR_WRONG_THREAD);
    assert_r(call.at, ASYNCIO_ERR_WRONG_THREAD);
    asyncio_loop_set_debug(LOOP, false);
    call = calls_of_another_thread(LOOP);
    assert_r(call.soon, 0);
    assert_r(call.later, 0);
    assert_r(call.at, 0);
}

/* parity: test_base_events.py BaseEventLoopTests test_set_debug */
BEHAVIOUR(debug_mode_can_be_switched)
{
    asyncio_loop_set_debug(LOOP, true);
    ck_assert(asyncio_loop_get_debug(LOOP));
    asyncio_loop_set_debug(LOOP, false);
    ck_assert(!asyncio_loop_get_debug(LOOP));
}

/* parity: test_base_events.py BaseEventLoopTests test_env_var_debug
 * parity: test_tasks.py GatherTestsBase test_env_var_debug
 * parity: test_pep492.py CoroutineTests test_debug_mode_manages_coroutine_origin_tracking */
PLAIN(the_environment_switches_new_loops_to_debug_mode)
{
    static const struct {
        const char *value;
        bool debug;
    } cases[] = {{"1", true}, {"", false}, {"0", false}, {NULL, false}};

    for (int i = 0; i < 4; i++) {
        asyncio_loop_t *loop;

        if (cases[i].value != NULL)
            setenv("ASYNCIO_DEBUG", cases[i].value, 1);
        else
            unsetenv("ASYNCIO_DEBUG");
        loop = asyncio_new_event_loop();
        ck_assert_int_eq(asyncio_loop_get_debug(loop), cases[i].debug);
        asyncio_loop_close(loop);
        asyncio_loop_unref(loop);
    }
}

/* parity: test_base_events.py BaseEventLoopTests test_default_exc_handler_callback */
BEHAVIOUR(an_error_in_a_callback_is_logged_and_the_loop_goes_on)
{
    asyncio_set_log_callback(on_log, NULL);
    asyncio_loop_call_soon(LOOP, fails, NULL);
    passes(2);
    ck_assert_ptr_nonnull(strstr(logged, "Exception in callback"));
    ck_assert_ptr_nonnull(strstr(logged, "disk 7"));
    logged[0] = '\0';
    asyncio_loop_call_later(LOOP, 0.01, fails, NULL);
    assert_r(asyncio_sleep(1), 0);
    ck_assert_ptr_nonnull(strstr(logged, "Exception in callback"));
}

/* parity: test_base_events.py BaseEventLoopTests test_default_exc_handler_coro */
BEHAVIOUR(a_task_error_that_nobody_reads_is_logged)
{
    asyncio_set_log_callback(on_log, NULL);
    asyncio_task_unref(asyncio_create_task(asyncio_coro(fails)));
    passes(3);
    ck_assert_ptr_nonnull(
        strstr(logged, "Task exception was never retrieved"));
    ck_assert_ptr_nonnull(strstr(logged, "disk 7"));
}

/* parity: test_base_events.py BaseEventLoopTests test_set_exc_handler_custom */
BEHAVIOUR(a_custom_exception_handler_gets_the_report)
{
    asyncio_loop_t *loop = LOOP;
    asyncio_handle_t *handle;
    void *arg;

    listen_to(loop);
    ck_assert(asyncio_loop_get_exception_handler(loop, &arg) == on_report);
    ck_assert_ptr_eq(arg, loop);
    asyncio_loop_call_soon(loop, fails, NULL, .ret_handle = &handle);
    passes(2);
    ck_assert_str_eq(messages, "Exception in callback");
    ck_assert_ptr_eq(last.handle, handle);
    ck_assert_int_eq(last.code, UV_EIO);
    asyncio_handle_unref(handle);
    asyncio_loop_set_exception_handler(loop, NULL, NULL);
    ck_assert(asyncio_loop_get_exception_handler(loop, NULL) == NULL);
    ck_assert_str_eq(logged, "");
    asyncio_loop_call_soon(loop, fails, NULL);
    passes(2);
    ck_assert_ptr_nonnull(strstr(logged, "Exception in callback"));
}

static int
broken_handler(asyncio_loop_t *loop,
               const asyncio_exception_context_t *context, void *arg)
{
    (void) loop;
    (void) context;
    (void) arg;
    return asyncio_raise(ASYNCIO_ERR_VALUE, "broken");
}

/* parity: test_base_events.py BaseEventLoopTests test_set_exc_handler_broken
 * parity: test_base_events.py BaseEventLoopTests test_default_exc_handler_broken */
BEHAVIOUR(an_error_in_the_exception_handler_is_logged)
{
    asyncio_set_log_callback(on_log, NULL);
    asyncio_loop_set_exception_handler(LOOP, broken_handler, NULL);
    asyncio_loop_call_soon(LOOP, fails, NULL);
    passes(2);
    ck_assert_ptr_nonnull(
        strstr(logged, "Unhandled error in exception handler"));
    ck_assert_ptr_nonnull(strstr(logged, "broken"));
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_log_slow_callbacks */
BEHAVIOUR(debug_mode_names_slow_callbacks_and_tasks_with_their_duration)
{
    asyncio_task_t *task;

    asyncio_set_log_callback(on_log, NULL);
    asyncio_loop_set_debug(LOOP, true);
    asyncio_loop_set_slow_callback_duration(LOOP, 0);
    task = asyncio_create_task(asyncio_coro(nothing), .name = "snail");
    asyncio_loop_call_soon(LOOP, nothing, NULL);
    passes(3);
    ck_assert_ptr_nonnull(
        strstr(logged, "Executing <Task snail running nothing() at"));
    ck_assert_ptr_nonnull(strstr(logged, "Executing a callback took 0.0"));
    ck_assert_ptr_nonnull(strstr(logged, " seconds"));
    asyncio_task_unref(task);
    asyncio_loop_set_slow_callback_duration(LOOP, 1000);
    passes(1);
    logged[0] = '\0';
    passes(3);
    ck_assert_str_eq(logged, "");
}

/* parity: test_futures.py BaseFutureTests test_tb_logger_abandoned */
BEHAVIOUR(dropping_a_pending_future_says_nothing)
{
    listen_to(LOOP);
    asyncio_future_unref(asyncio_future_new());
    ck_assert_str_eq(messages, "");
    ck_assert_str_eq(logged, "");
}

/* parity: test_futures.py BaseFutureTests test_tb_logger_not_called_after_cancel */
BEHAVIOUR(cancelling_a_failed_future_counts_as_reading_it)
{
    asyncio_future_t *future = asyncio_future_new();

    listen_to(LOOP);
    assert_r(asyncio_future_set_exception(future, UV_EIO), 0);
    ck_assert(!asyncio_future_cancel(future));
    asyncio_future_unref(future);
    ck_assert_str_eq(messages, "");
}

/* parity: test_futures.py BaseFutureTests test_tb_logger_result_unretrieved
 * parity: test_futures.py BaseFutureTests test_tb_logger_result_retrieved */
BEHAVIOUR(results_are_never_reported_read_or_not)
{
    asyncio_future_t *unread = asyncio_future_new();
    asyncio_future_t *read = asyncio_future_new();

    listen_to(LOOP);
    assert_r(asyncio_future_set_result(unread, NULL), 0);
    assert_r(asyncio_future_set_result(read, NULL), 0);
    assert_r(asyncio_future_result(read), 0);
    asyncio_future_unref(unread);
    asyncio_future_unref(read);
    ck_assert_str_eq(messages, "");
}

/* parity: test_futures.py BaseFutureTests test_tb_logger_exception_unretrieved
 * parity: test_futures.py BaseFutureTests test_future_exception_never_retrieved */
BEHAVIOUR(dropping_a_future_with_an_unread_error_is_reported)
{
    asyncio_future_t *future = asyncio_future_new();

    listen_to(LOOP);
    assert_r(asyncio_future_set_exception(future, UV_EIO), 0);
    asyncio_future_unref(future);
    ck_assert_str_eq(messages, "Future exception was never retrieved");
    ck_assert_int_eq(last.code, UV_EIO);
}

/* parity: test_futures.py BaseFutureTests test_tb_logger_exception_retrieved */
BEHAVIOUR(an_error_that_was_read_is_not_reported)
{
    asyncio_future_t *future = asyncio_future_new();

    listen_to(LOOP);
    assert_r(asyncio_future_set_exception(future, UV_EIO), 0);
    ck_assert_int_eq(asyncio_exception_code(asyncio_future_exception(future)),
                     UV_EIO);
    asyncio_future_unref(future);
    ck_assert_str_eq(messages, "");
}

/* parity: test_tasks.py BaseTaskTests test_tb_logger_not_called_after_cancel */
BEHAVIOUR(cancelling_a_failed_task_counts_as_reading_it)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(fails));

    listen_to(LOOP);
    passes(2);
    ck_assert(!asyncio_task_cancel(task));
    asyncio_task_unref(task);
    ck_assert_str_eq(messages, "");
}

/* parity: test_tasks.py BaseTaskTests test_task_source_traceback
 * parity: test_futures.py BaseFutureTests test_future_source_traceback
 * parity: test_futures.py BaseFutureTests test_future_exception_never_retrieved_debug
 * parity: test_events.py HandleTests test_handle_source_traceback */
BEHAVIOUR(an_unread_error_is_reported_with_the_place_where_the_task_was_made)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(fails));
    int line = __LINE__ - 1;
    const asyncio_site_t *site = asyncio_source_traceback(task);

    ck_assert_str_eq(site->name, "fails");
    ck_assert_int_eq(site->line, line);
    ck_assert_ptr_nonnull(strstr(site->file, "test_debug.c"));
    listen_to(LOOP);
    passes(2);
    asyncio_task_unref(task);
    ck_assert_str_eq(messages, "Task exception was never retrieved");
    ck_assert_str_eq(last_site, "fails");
}

/* parity: test_tasks.py BaseTaskTests test_log_destroyed_pending_task */
PLAIN(a_task_that_dies_pending_is_reported_with_its_place)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_task_t *task =
        asyncio_loop_create_task(loop, asyncio_coro(nothing));

    listen_to(loop);
    asyncio_task_unref(task);
    assert_r(asyncio_loop_close(loop), 0);
    ck_assert_str_eq(messages, "Task was destroyed but it is pending!");
    ck_assert_str_eq(last_site, "nothing");
    asyncio_loop_unref(loop);
}

static int
look_at_own_stack(void *arg)
{
    const asyncio_site_t *sites[2];
    char text[512];

    (void) arg;
    if (asyncio_task_get_stack(asyncio_current_task(), sites, 2) != 1
        || strcmp(sites[0]->name, "look_at_own_stack") != 0)
        return -1;
    if (asyncio_task_print_stack(asyncio_current_task(), text, sizeof text) < 0)
        return -1;
    return strstr(text, "in look_at_own_stack") != NULL ? 0 : -1;
}

/* parity: test_tasks.py BaseTaskTests test_get_stack
 * parity: test_pep492.py CoroutineTests test_task_print_stack */
BEHAVIOUR(the_stack_of_a_task_names_its_outermost_coroutine)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(look_at_own_stack));
    const asyncio_site_t *site;
    char text[256];

    assert_r(asyncio_await(task), 0);
    ck_assert_uint_eq(asyncio_task_get_stack(task, &site, 1), 0);
    ck_assert_int_gt(asyncio_task_print_stack(task, text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(text, "No stack for "));
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_task_repr
 * parity: test_tasks.py BaseTaskTests test_task_repr_wait_for */
BEHAVIOUR(the_description_of_a_task_names_its_state)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(nothing));
    char text[256];

    asyncio_task_repr(task, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "pending"));
    assert_r(asyncio_await(task), 0);
    asyncio_task_repr(task, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "finished result=0"));
    asyncio_task_unref(task);
    task = asyncio_create_task(asyncio_coro(nothing));
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_repr(task, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "cancelled"));
    asyncio_task_unref(task);
}
