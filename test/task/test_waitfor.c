/* SPDX-License-Identifier: MIT */
/*
 * wait_for: a limited time for one awaitable, and then its end.
 */
#include "scenes.h"

#include <math.h>

static asyncio_task_t *
make_stubborn(double cleanup, int answer, int *seen)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(stubborn, .seconds = 10, .cleanup = cleanup,
                     .answer = answer, .seen = seen));

    passes(1);
    return task;
}

struct waits_for {
    asyncio_future_t *future;
    double seconds;
};

static int
waits_for(void *arg)
{
    struct waits_for *self = arg;

    return asyncio_wait_for(self->future, self->seconds);
}

static int
waits_for_stubborn(void *arg)
{
    struct stubborn frame = {.seconds = 10, .cleanup = 0.2,
                             .answer = ASYNCIO_ERR_CANCELLED};

    return asyncio_wait_for(asyncio_coro_at(stubborn, &frame),
                            *(double *) arg);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_asyncio_wait_for_cancelled */
BEHAVIOUR(a_cancelled_wait_for_waits_for_the_clean_up)
{
    double seconds = 1.0;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(waits_for_stubborn, &seconds, sizeof seconds));

    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 200);
    asyncio_task_unref(task);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_asyncio_wait_for_timeout */
BEHAVIOUR(a_timed_out_wait_for_waits_for_the_clean_up)
{
    double seconds = 0.1;

    assert_r(waits_for_stubborn(&seconds), ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(now_ms(), 300);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started */
BEHAVIOUR(without_time_a_coroutine_never_starts, .times = 3)
{
    static const double seconds[] = {0, -1, -INFINITY};

    assert_r(asyncio_wait_for(asyncio_coro(nap, .letter = 'x'), seconds[_i]),
             ASYNCIO_ERR_TIMEOUT);
    assert_trace("");
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_timeout_less_then_0_or_0 */
BEHAVIOUR(without_time_a_task_is_cancelled_and_waited_for, .times = 2)
{
    int seen = 0;
    asyncio_task_t *task =
        make_stubborn(0.2, ASYNCIO_ERR_CANCELLED, &seen);

    assert_r(asyncio_wait_for(task, _i == 0 ? 0 : -1), ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_task_cancelled(task));
    ck_assert_int_eq(seen, 1);
    ck_assert_int_eq(now_ms(), 200);
    asyncio_task_unref(task);
}

BEHAVIOUR(without_time_what_is_done_gives_its_value)
{
    asyncio_future_t *f = asyncio_future_new();

    asyncio_future_set_result(f, NULL, .status = 3);
    assert_r(asyncio_wait_for(f, 0), 3);
    asyncio_future_unref(f);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for */
BEHAVIOUR(a_task_that_takes_too_long_is_cancelled)
{
    int seen = 0;
    asyncio_task_t *task = make_stubborn(0, ASYNCIO_ERR_CANCELLED, &seen);

    assert_r(asyncio_wait_for(task, 0.1), ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(seen, 1);
    ck_assert(asyncio_task_cancelled(task));
    ck_assert_int_eq(now_ms(), 100);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
    passes(2);
    asyncio_task_unref(task);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_blocking */
BEHAVIOUR(wait_for_without_a_limit_waits)
{
    assert_r(asyncio_wait_for(asyncio_coro(nap, .seconds = 1e6, .result = 5),
                              ASYNCIO_NO_TIMEOUT),
             5);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_cancellation_race_condition */
/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_cancel_suppressed */
/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_self_cancellation */
BEHAVIOUR(a_value_in_spite_of_the_timeout_is_returned, .times = 2)
{
    int seen = 0;

    if (_i == 0) {
        assert_r(asyncio_wait_for(asyncio_coro(stubborn, .seconds = 10,
                                               .answer = 42, .seen = &seen),
                                  0.1),
                 42);
    } else {
        asyncio_task_t *task = make_stubborn(0, 42, &seen);

        assert_r(asyncio_wait_for(task, 0.1), 42);
        asyncio_task_unref(task);
    }
    ck_assert_int_eq(seen, 1);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_waits_for_task_cancellation */
/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_waits_for_task_cancellation_w_timeout_0 */
BEHAVIOUR(the_timeout_comes_after_the_clean_up_and_names_its_cause,
          .times = 2)
{
    asyncio_task_t *task =
        make_stubborn(0.4, ASYNCIO_ERR_CANCELLED, NULL);

    assert_r(asyncio_wait_for(task, _i == 0 ? 0.1 : 0), ASYNCIO_ERR_TIMEOUT);
    const asyncio_exception_t *e = asyncio_current_exception();
    ck_assert_int_eq(asyncio_exception_code(e), ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(asyncio_exception_code(asyncio_cause(e)),
                     ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_task_done(task));
    ck_assert_int_eq(now_ms(), _i == 0 ? 500 : 400);
    asyncio_task_unref(task);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_wait_for_reraises_exception_during_cancellation */
BEHAVIOUR(an_error_of_the_clean_up_beats_the_timeout, .times = 2)
{
    asyncio_task_t *task = make_stubborn(0, UV_EIO, NULL);

    assert_r(asyncio_wait_for(task, _i == 0 ? 0.1 : 0), UV_EIO);
    asyncio_task_unref(task);
}

/* parity: test_waitfor.py AsyncioWaitForTest test_cancel_blocking_wait_for */
/* parity: test_waitfor.py AsyncioWaitForTest test_cancel_wait_for */
BEHAVIOUR(cancelling_who_waits_for_a_task_cancels_it, .times = 2)
{
    asyncio_task_t *inner = make_stubborn(0, ASYNCIO_ERR_CANCELLED, NULL);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(waits_for, .future = inner,
                     .seconds = _i == 0 ? ASYNCIO_NO_TIMEOUT : 60));

    passes(1);
    asyncio_task_cancel(task, .message = "outside");
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "outside");
    ck_assert(asyncio_task_cancelled(inner));
    ck_assert(asyncio_task_cancelled(task));
    asyncio_task_unref(task);
    asyncio_task_unref(inner);
}

/* parity: test_waitfor.py WaitForShieldTests test_zero_timeout */
/* parity: test_waitfor.py WaitForShieldTests test_shielded_timeout */
BEHAVIOUR(a_timeout_does_not_get_through_a_shield, .times = 2)
{
    asyncio_task_t *inner =
        asyncio_create_task(asyncio_coro(nap, .seconds = 1, .result = 7));
    asyncio_future_t *outer = asyncio_shield_future(inner);

    assert_r(asyncio_wait_for(outer, _i == 0 ? 0 : 0.1), ASYNCIO_ERR_TIMEOUT);
    ck_assert(asyncio_future_cancelled(outer));
    ck_assert(!asyncio_task_done(inner));
    assert_r(asyncio_await(inner), 7);
    asyncio_future_unref(outer);
    asyncio_task_unref(inner);
}

/* parity: test_waitfor.py WaitForShieldTests test_none_timeout */
BEHAVIOUR(wait_for_a_shield_without_a_limit_waits)
{
    asyncio_task_t *inner =
        asyncio_create_task(asyncio_coro(nap, .seconds = 1, .result = 7));
    asyncio_future_t *outer = asyncio_shield_future(inner);

    assert_r(asyncio_wait_for(outer, ASYNCIO_NO_TIMEOUT), 7);
    asyncio_future_unref(outer);
    asyncio_task_unref(inner);
}

static int
who_am_i(void *arg)
{
    ck_assert_ptr_eq(asyncio_current_task(), *(asyncio_task_t **) arg);
    return 1;
}

BEHAVIOUR(wait_for_runs_a_coroutine_in_the_same_task)
{
    asyncio_task_t *me = asyncio_current_task();

    assert_r(asyncio_wait_for(asyncio_coro_new(who_am_i, &me, sizeof me), 1),
             1);
}

BEHAVIOUR(a_cancel_in_the_pass_of_the_result_wins)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(waits_for, .future = f, .seconds = 5));

    passes(1);
    asyncio_future_set_result(f, NULL, .status = 1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_future_result(f), 1);
    asyncio_task_unref(task);
    asyncio_future_unref(f);
}

BEHAVIOUR(wait_for_refuses_nan_null_and_other_loops)
{
    asyncio_loop_t *other = virtual_loop();
    asyncio_future_t *f = asyncio_loop_create_future(other);

    assert_r(asyncio_wait_for(f, NAN), UV_EINVAL);
    assert_r(asyncio_wait_for((asyncio_future_t *) NULL, 1), UV_EINVAL);
    assert_r(asyncio_wait_for(asyncio_coro_new(NULL, NULL, 0), 1), UV_EINVAL);
    assert_r(asyncio_wait_for(asyncio_coro(forever), NAN), UV_EINVAL);
    assert_r(asyncio_wait_for(f, 1), ASYNCIO_ERR_WRONG_LOOP);
    asyncio_future_unref(f);
    end_loop(other);
}
