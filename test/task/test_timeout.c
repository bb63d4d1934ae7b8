/* SPDX-License-Identifier: MIT */
/*
 * timeout: a deadline over a part of a task.
 */
#include "scenes.h"

#include <math.h>
#include <string.h>

static asyncio_timeout_t t, u;

static asyncio_loop_t *
loop(void)
{
    return asyncio_get_running_loop();
}

/* parity: test_timeouts.py TimeoutTests test_timeout_basic */
/* parity: test_timeouts.py TimeoutTests test_waiter_cancelled */
BEHAVIOUR(what_is_a_cancellation_inside_is_a_timeout_outside)
{
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    r = asyncio_sleep(10);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_timeout_expired(&t));
    ck_assert_int_eq(now_ms(), 10);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_at_basic */
BEHAVIOUR(a_deadline_may_be_a_time)
{
    double deadline = asyncio_loop_time(loop()) + 0.01;

    asyncio_timeout_enter(asyncio_timeout_at(&t, deadline));
    ck_assert_double_eq(asyncio_timeout_when(&t), deadline);
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(10)),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_timeout_expired(&t));
    ck_assert_double_eq(asyncio_timeout_when(&t), deadline);
}

/* parity: test_timeouts.py TimeoutTests test_nested_timeouts */
BEHAVIOUR(of_two_timeouts_at_once_the_outer_one_comes_out)
{
    double deadline = asyncio_loop_time(loop()) + 0.01;
    int r;

    asyncio_timeout_enter(asyncio_timeout_at(&t, deadline));
    asyncio_timeout_enter(asyncio_timeout_at(&u, deadline));
    r = asyncio_timeout_exit(&u, asyncio_sleep(10));
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_timeout_expired(&t) && asyncio_timeout_expired(&u));
    assert_r(asyncio_sleep(0), 0);
}

/* parity: test_timeouts.py TimeoutTests test_timeout_not_called */
BEHAVIOUR(a_fast_block_is_left_alone)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 10));
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(0.01)), 0);
    ck_assert(!asyncio_timeout_expired(&t));
    ck_assert_double_gt(asyncio_timeout_when(&t), asyncio_loop_time(loop()));
    assert_r(asyncio_sleep(20), 0);
}

BEHAVIOUR(no_timeout_never_expires)
{
    asyncio_timeout_enter(asyncio_timeout(&t, ASYNCIO_NO_TIMEOUT));
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(1e9)), 0);
    ck_assert(!asyncio_timeout_expired(&t));
    ck_assert(isinf(asyncio_timeout_when(&t)));
}

/* parity: test_timeouts.py TimeoutTests test_timeout_zero */
/* parity: test_timeouts.py TimeoutTests test_timeout_zero_sleep_zero */
/* parity: test_timeouts.py TimeoutTests test_timeout_in_the_past_sleep_zero */
BEHAVIOUR(a_deadline_that_has_passed_hits_the_first_wait, .times = 3)
{
    static const double delays[] = {0, 0, -11};

    asyncio_timeout_enter(asyncio_timeout(&t, delays[_i]));
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(_i == 0 ? 10 : 0)),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_timeout_expired(&t));
    ck_assert_double_le(asyncio_timeout_when(&t), asyncio_loop_time(loop()));
    ck_assert_int_eq(now_ms(), 0);
}

BEHAVIOUR(a_block_that_never_waits_is_not_disturbed)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 0));
    assert_r(asyncio_timeout_exit(&t, 5), 5);
    ck_assert(!asyncio_timeout_expired(&t));
    passes(2);
}

/* parity: test_timeouts.py TimeoutTests test_foreign_exception_passed */
BEHAVIOUR(another_error_passes_unchanged)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    assert_r(asyncio_timeout_exit(&t, asyncio_raise(UV_EIO, "mine")), UV_EIO);
    ck_assert_str_eq(newest_message(), "mine");
    ck_assert(!asyncio_timeout_expired(&t));
}

/* parity: test_timeouts.py TimeoutTests test_foreign_exception_on_timeout */
/* parity: test_timeouts.py TimeoutTests test_foreign_exception_on_timeout_2 */
BEHAVIOUR(an_error_while_the_timeout_is_handled_wins)
{
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    r = asyncio_sleep(10);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    r = asyncio_raise_from(ASYNCIO_ERR_VALUE, "while handling");
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_VALUE);
    ck_assert(asyncio_timeout_expired(&t));
    ck_assert_int_eq(
        asyncio_exception_code(asyncio_cause(asyncio_current_exception())),
        ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_sleep(1), 0);
}

static int
in_timeout(void *arg)
{
    asyncio_timeout_t here;
    int r;

    asyncio_timeout_enter(asyncio_timeout(&here, *(double *) arg));
    r = asyncio_timeout_exit(&here, asyncio_sleep(10));
    trace(asyncio_timeout_expired(&here) ? 'e' : '-');
    return r;
}

/* parity: test_timeouts.py TimeoutTests test_foreign_cancel_doesnt_timeout_if_not_expired */
BEHAVIOUR(a_cancel_from_elsewhere_stays_a_cancellation)
{
    double delay = 1;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(in_timeout, &delay, sizeof delay));

    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_trace("-");
    asyncio_task_unref(task);
}

BEHAVIOUR(a_cancel_beside_the_timeout_wins)
{
    double delay = 1;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(in_timeout, &delay, sizeof delay));

    assert_r(asyncio_sleep(1), 0); /* it has expired, and is not there yet */
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_task_cancelled(task));
    asyncio_task_unref(task);
}

static int
times_out_and_goes_on(void *arg)
{
    int r = in_timeout(arg);

    return r == ASYNCIO_ERR_TIMEOUT ? asyncio_sleep(1) : -1;
}

/* parity: test_timeouts.py TimeoutTests test_outer_task_is_not_cancelled */
BEHAVIOUR(a_task_that_handles_its_timeout_ends_normally)
{
    double delay = 0.01;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(times_out_and_goes_on, &delay, sizeof delay));

    assert_r(asyncio_await(task), 0);
    ck_assert(!asyncio_task_cancelled(task));
    ck_assert_uint_eq(asyncio_task_cancelling(task), 0);
    asyncio_task_unref(task);
}

/* parity: test_timeouts.py TimeoutTests test_nested_timeouts_concurrent */
BEHAVIOUR(only_the_outer_one_of_two_fires_when_only_it_is_due)
{
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.002));
    asyncio_timeout_enter(asyncio_timeout(&u, 0.1));
    asyncio_testing_advance(loop(), 0.01);
    r = asyncio_timeout_exit(&u, asyncio_sleep(1));
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_timeout_expired(&t) && !asyncio_timeout_expired(&u));
}

/* parity: test_timeouts.py TimeoutTests test_nested_timeouts_loop_busy */
BEHAVIOUR(a_busy_loop_lets_the_inner_one_raise_first)
{
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.1));
    asyncio_timeout_enter(asyncio_timeout(&u, 0.01));
    asyncio_testing_advance(loop(), 0.05);
    r = asyncio_timeout_exit(&u, asyncio_sleep(10));
    ck_assert_int_eq(r, ASYNCIO_ERR_TIMEOUT);
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(10)),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(now_ms(), 100);
}

/* parity: test_timeouts.py TimeoutTests test_nested_timeout_in_finally */
BEHAVIOUR(a_timeout_in_the_clean_up_of_another_is_its_own)
{
    int r;

    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    r = asyncio_sleep(1);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    asyncio_timeout_enter(asyncio_timeout(&u, 0.01));
    assert_r(asyncio_timeout_exit(&u, asyncio_sleep(10)),
             ASYNCIO_ERR_TIMEOUT);
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_TIMEOUT);
}

static int
reschedules(void *arg)
{
    double when = asyncio_loop_time(loop()) + 10;
    int r;

    (void) arg;
    asyncio_timeout_enter(asyncio_timeout_at(&t, when));
    ck_assert_double_eq(asyncio_timeout_when(&t), when);
    assert_r(asyncio_timeout_reschedule(&t, when + 10), 0);
    ck_assert_double_eq(asyncio_timeout_when(&t), when + 10);
    assert_r(asyncio_timeout_reschedule(&t, ASYNCIO_NO_TIMEOUT), 0);
    assert_r(asyncio_timeout_reschedule(&t, NAN), UV_EINVAL);
    ck_assert(isinf(asyncio_timeout_when(&t)));
    r = asyncio_sleep(100);
    return asyncio_timeout_exit(&t, r);
}

/* parity: test_timeouts.py TimeoutTests test_reschedule */
BEHAVIOUR(a_deadline_can_be_moved_and_lifted)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(reschedules));

    assert_r(asyncio_sleep(50), 0);
    ck_assert(!asyncio_task_done(task));
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(!asyncio_timeout_expired(&t));
    asyncio_task_unref(task);
}

BEHAVIOUR(a_deadline_moved_into_the_past_hits_the_next_wait)
{
    asyncio_timeout_enter(asyncio_timeout(&t, 10));
    assert_r(asyncio_timeout_reschedule(&t, -5), 0);
    assert_r(asyncio_timeout_reschedule(&t, -6), 0);
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(1)),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(now_ms(), 0);
    passes(2);
}

static const char *
text(void)
{
    static char buffer[64];

    asyncio_timeout_repr(&t, buffer, sizeof buffer);
    return buffer;
}

/* parity: test_timeouts.py TimeoutTests test_repr_active */
/* parity: test_timeouts.py TimeoutTests test_repr_expired */
/* parity: test_timeouts.py TimeoutTests test_repr_finished */
/* parity: test_timeouts.py TimeoutTests test_repr_disabled */
BEHAVIOUR(a_timeout_describes_its_state)
{
    int r;

    asyncio_timeout(&t, 10);
    ck_assert_str_eq(text(), "<Timeout [created]>");
    asyncio_timeout_enter(&t);
    ck_assert_str_eq(text(), "<Timeout [active] when=10.000>");
    asyncio_timeout_reschedule(&t, ASYNCIO_NO_TIMEOUT);
    ck_assert_str_eq(text(), "<Timeout [active] when=None>");
    assert_r(asyncio_timeout_exit(&t, 0), 0);
    ck_assert_str_eq(text(), "<Timeout [finished]>");
    asyncio_timeout_enter(asyncio_timeout(&t, 0.01));
    r = asyncio_sleep(1);
    ck_assert_str_eq(text(), "<Timeout [expiring]>");
    assert_r(asyncio_timeout_exit(&t, r), ASYNCIO_ERR_TIMEOUT);
    ck_assert_str_eq(text(), "<Timeout [expired]>");
}
