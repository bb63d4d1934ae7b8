/* SPDX-License-Identifier: MIT */
/*
 * timeout: what may be done in which state, and what it meets in a block.
 */
#include "scenes.h"

#include <math.h>
#include <string.h>

#include "loop/loop.h"

static asyncio_timeout_t t;

static void
refuses_reschedule(const char *word)
{
    double when = asyncio_timeout_when(&t);

    assert_r(asyncio_timeout_reschedule(&t, 99), ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(newest_message(), word));
    ck_assert_double_eq(asyncio_timeout_when(&t), when);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_exception_cause */
/* parity: test_timeouts.py TimeoutTests test_timeout_exception_context */
BEHAVIOUR(the_cause_of_a_timeout_is_the_cancellation)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(1)),
             ASYNCIO_ERR_TIMEOUT);
    const asyncio_exception_t *e = asyncio_current_exception();
    ck_assert_int_eq(asyncio_exception_code(e), ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(asyncio_exception_code(asyncio_cause(e)),
                     ASYNCIO_ERR_CANCELLED);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_already_entered */
BEHAVIOUR(a_timeout_is_not_entered_twice)
{
    uint32_t made;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    made = asyncio_get_running_loop()->timers.made;
    asyncio_timeout_enter(&t);
    ck_assert_str_eq(newest_message(), "Timeout has already been entered");
    assert_r(asyncio_timeout_exit(&t, 0), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_sleep(1), 0);
    /* It has given back its one slot in the heap. */
    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    ck_assert_uint_eq(asyncio_get_running_loop()->timers.made, made);
    assert_r(asyncio_timeout_exit(&t, 0), 0);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_double_enter */
BEHAVIOUR(a_finished_timeout_is_not_entered_again)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    assert_r(asyncio_timeout_exit(&t, 0), 0);
    asyncio_timeout_enter(&t);
    assert_r(asyncio_timeout_exit(&t, 0), ASYNCIO_ERR_RUNTIME);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_finished */
BEHAVIOUR(a_finished_timeout_cannot_be_moved)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    assert_r(asyncio_timeout_exit(&t, 0), 0);
    refuses_reschedule("finished");
}

/* parity: test_timeouts.py TimeoutTests test_timeout_expired */
BEHAVIOUR(an_expired_timeout_cannot_be_moved)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(1)),
             ASYNCIO_ERR_TIMEOUT);
    refuses_reschedule("expired");
}

/* parity: test_timeouts.py TimeoutTests test_timeout_expiring */
BEHAVIOUR(an_expiring_timeout_that_is_swallowed_raises_nothing)
{
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    r = asyncio_sleep(1);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    refuses_reschedule("expiring");
    assert_r(asyncio_timeout_exit(&t, 0), 0);
    ck_assert(asyncio_timeout_expired(&t));
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_not_entered */
BEHAVIOUR(a_timeout_that_was_not_entered_cannot_be_moved)
{
    asyncio_timeout(&t, 1);
    refuses_reschedule("has not been entered");
    assert_r(asyncio_timeout_exit(&t, 0), ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_timeout_exit(&t, UV_EIO), UV_EIO);
}

static int
enter_in_callback(void *arg)
{
    (void) arg;
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    trace('c');
    return asyncio_timeout_exit(&t, 0);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_without_task */
BEHAVIOUR(only_a_task_can_enter_a_timeout)
{
    catch_reports();
    asyncio_loop_call_soon(asyncio_get_running_loop(), enter_in_callback,
                           NULL);
    passes(1);
    assert_trace("c");
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_ptr_nonnull(strstr(reports.detail, "task"));
    refuses_reschedule("has not been entered");
}

PLAIN(a_timeout_outside_a_loop_fails_at_its_exit)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    assert_r(asyncio_timeout_exit(&t, 0), ASYNCIO_ERR_NO_RUNNING_LOOP);
}

static int
fails_on_cancel(void *arg)
{
    int r = asyncio_sleep(10);

    (void) arg;
    return r == ASYNCIO_ERR_CANCELLED ? asyncio_raise(UV_EIO, "cleanup") : r;
}

/* parity: test_timeouts.py TimeoutTests test_timeout_taskgroup */
BEHAVIOUR(the_errors_of_a_group_beat_the_timeout_around_it)
{
    asyncio_task_group_t group;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    asyncio_task_group_enter(asyncio_task_group_init(&group));
    asyncio_task_group_create_task(&group, asyncio_coro(fails_on_cancel));
    r = asyncio_task_group_exit(&group, asyncio_sleep(1));
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_EXCEPTION_GROUP);
    ck_assert(asyncio_timeout_expired(&t));
    ck_assert_uint_eq(
        asyncio_error_group_count(asyncio_current_exception()), 1);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
    assert_r(asyncio_sleep(1), 0);
}

BEHAVIOUR(a_timeout_works_where_a_cancel_was_swallowed_before)
{
    asyncio_task_t *me = asyncio_current_task();

    asyncio_task_cancel(me);
    assert_r(asyncio_sleep(0), ASYNCIO_ERR_CANCELLED);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 1);
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(9)),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 1);
    asyncio_task_uncancel(me);
}

BEHAVIOUR(a_deadline_that_is_no_number_is_refused)
{
    asyncio_timeout_enter(asyncio_timeout(&t, NAN));
    assert_r(asyncio_timeout_exit(&t, 0), UV_EINVAL);
}

static int
leaves_it_open(void *arg)
{
    (void) arg;
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    return 0;
}

static void
run_leaves_it_open(void *arg)
{
    (void) arg;
    asyncio_testing_run(asyncio_coro(leaves_it_open));
}

PLAIN(a_timeout_left_open_aborts_with_its_name)
{
    assert_dies(run_leaves_it_open, NULL, SIGABRT,
                "Task-1 ended with an open timeout");
}

static int
crosses(void *arg)
{
    asyncio_task_group_t group;
    int r;

    (void) arg;
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    asyncio_task_group_enter(asyncio_task_group_init(&group));
    r = asyncio_timeout_exit(&t, 0);
    return asyncio_task_group_exit(&group, r);
}

static void
run_crosses(void *arg)
{
    (void) arg;
    asyncio_testing_run(asyncio_coro(crosses));
}

PLAIN(scopes_that_cross_abort_with_their_names)
{
    assert_dies(run_crosses, NULL, SIGABRT,
                "leaves a timeout while a task group inside it is open");
}
