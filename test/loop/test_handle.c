/* SPDX-License-Identifier: MIT */
/*
 * Handles: callbacks that are scheduled, timed, cancelled, that fail.
 */
#include "scenes.h"

#include "loop/loop.h"

#include <math.h>

static asyncio_loop_t *
loop(void)
{
    return asyncio_get_running_loop();
}

static asyncio_handle_t *
later(double delay, const char *letter)
{
    asyncio_handle_t *handle;

    assert_r(asyncio_loop_call_later(loop(), delay, trace_arg, LETTER(letter),
                                     .ret_handle = &handle),
             0);
    return handle;
}

static asyncio_handle_t *
soon(const char *letter)
{
    asyncio_handle_t *handle;

    assert_r(asyncio_loop_call_soon(loop(), trace_arg, LETTER(letter),
                                    .ret_handle = &handle),
             0);
    return handle;
}

/* parity: test_base_events.py BaseEventLoopTests test_call_soon */
/* parity: test_base_events.py BaseEventLoopTests test__add_callback_handle */
/* parity: test_events.py EventLoopTestsMixin test_call_soon */
BEHAVIOUR(call_soon_gives_a_handle_and_the_argument)
{
    asyncio_handle_t *handle = soon("a");

    ck_assert(!asyncio_handle_cancelled(handle));
    assert_trace("");
    passes(1);
    assert_trace("a");
    passes(2);
    assert_trace("a");
    asyncio_handle_unref(handle);
}

BEHAVIOUR(a_handle_knows_the_context_that_its_callback_runs_in)
{
    asyncio_context_t *context = asyncio_copy_context();
    asyncio_handle_t *handle, *other = soon("b");

    assert_r(asyncio_loop_call_soon(loop(), trace_arg, LETTER("a"),
                                    .ret_handle = &handle,
                                    .context = context),
             0);
    ck_assert_ptr_eq(asyncio_handle_get_context(handle), context);
    ck_assert_ptr_nonnull(asyncio_handle_get_context(other));
    ck_assert_ptr_ne(asyncio_handle_get_context(other), context);
    passes(1);
    assert_trace("ba");
    asyncio_handle_unref(handle);
    asyncio_handle_unref(other);
    asyncio_context_unref(context);
}

/* parity: test_base_events.py BaseEventLoopTests test__add_callback_cancelled_handle */
/* parity: test_events.py HandleTests test_handle */
/* parity: test_events.py HandleTests test_handle_repr */
/* parity: test_events.py HandleTests test_handle_repr_debug */
BEHAVIOUR(a_cancelled_handle_does_not_run)
{
    asyncio_handle_t *handle = soon("a");

    asyncio_handle_unref(soon("b"));
    ck_assert(!asyncio_handle_cancelled(handle));
    asyncio_handle_cancel(handle);
    ck_assert(asyncio_handle_cancelled(handle));
    asyncio_handle_cancel(handle);
    passes(2);
    assert_trace("b");
    asyncio_handle_unref(handle);
}

/* parity: test_base_events.py BaseEventLoopTests test_call_later */
BEHAVIOUR(call_later_runs_when_its_time_has_come)
{
    asyncio_handle_t *handle = later(10, "l");

    passes(3);
    assert_trace("");
    assert_r(asyncio_sleep(10), 0);
    passes(1);
    assert_trace("l");
    asyncio_handle_unref(handle);
}

/* parity: test_base_events.py BaseEventLoopTests test_call_later_negative_delays */
BEHAVIOUR(of_negative_delays_the_earlier_comes_first)
{
    asyncio_handle_unref(later(-1, "a"));
    asyncio_handle_unref(later(-2, "b"));
    asyncio_handle_unref(later(-INFINITY, "i"));
    passes(2);
    assert_trace("iba");
}

static int rounds, answers;

static int
answer(void *arg)
{
    (void) arg;
    ck_assert_int_eq(++answers, rounds);
    return 0;
}

static int
always_due(void *arg)
{
    if (++rounds < 200)
        asyncio_loop_call_at(loop(), 0, always_due, arg);
    return asyncio_loop_call_soon(loop(), answer, arg);
}

BEHAVIOUR(what_a_timer_schedules_comes_before_the_next_timer)
{
    asyncio_loop_call_at(loop(), 0, always_due, NULL);
    assert_r(asyncio_sleep(1), 0);
    ck_assert_int_eq(answers, 200);
}

/* parity: test_base_events.py BaseEventLoopTests test_time_and_call_at */
PLAIN(on_the_real_clock_no_timer_is_early)
{
    asyncio_loop_t *real = asyncio_new_event_loop();
    asyncio_future_t *f = asyncio_loop_create_future(real);
    double begin = asyncio_loop_time(real);

    asyncio_loop_call_at(real, begin + 0.01, trace_arg, LETTER("t"));
    while (traced()[0] == '\0')
        assert_r(asyncio_loop_run_once(real, true), 0);
    ck_assert_double_ge(asyncio_loop_time(real), begin + 0.01 - 1e-9);
    asyncio_future_unref(f);
    end_loop(real);
}

/* parity: test_base_events.py BaseEventLoopTests test__run_once */
BEHAVIOUR(a_cancelled_timer_does_not_shorten_the_wait)
{
    asyncio_handle_t *first = later(5, "x");

    asyncio_handle_unref(later(10, "t"));
    asyncio_handle_cancel(first);
    while (traced()[0] == '\0')
        assert_r(asyncio_sleep(2.5), 0);
    assert_trace("t");
    ck_assert_int_eq(now_ms(), 10000 + 0);
    asyncio_handle_unref(first);
}

/* parity: test_base_events.py BaseEventLoopTests test__run_once_cancelled_event_cleanup */
BEHAVIOUR(cancelled_timers_leave_at_once)
{
    enum { COUNT = 1000 };
    static asyncio_handle_t *handles[COUNT];
    uint32_t timers = loop()->timers.count;
    uint32_t made;

    for (int i = 0; i < COUNT; i++)
        handles[i] = later(i % 37, "x");
    made = loop()->timers.made;
    ck_assert_uint_eq(loop()->timers.count, timers + COUNT);
    for (int i = 0; i < COUNT; i++) {
        int k = i * 7 % COUNT;

        asyncio_handle_cancel(handles[k]);
        asyncio_handle_unref(handles[k]);
    }
    ck_assert_uint_eq(loop()->timers.count, timers);
    assert_r(asyncio_sleep(50), 0);
    assert_trace("");
    /* Their slots are there for others. */
    for (int i = 0; i < COUNT; i++)
        handles[i] = later(i % 37, "x");
    ck_assert_uint_eq(loop()->timers.made, made);
    for (int i = 0; i < COUNT; i++) {
        asyncio_handle_cancel(handles[i]);
        asyncio_handle_unref(handles[i]);
    }
}

/* parity: test_events.py TimerTests test_when */
/* parity: test_events.py TimerTests test_timer_repr */
/* parity: test_events.py TimerTests test_timer_repr_debug */
BEHAVIOUR(a_timer_tells_its_time)
{
    asyncio_handle_t *timer, *plain = soon("s");

    assert_r(asyncio_loop_call_at(loop(), 12.5, trace_arg, LETTER("t"),
                                  .ret_handle = &timer),
             0);
    ck_assert_double_eq(asyncio_timer_handle_when(timer), 12.5);
    ck_assert_double_eq(asyncio_timer_handle_when(plain), 0);
    asyncio_handle_cancel(timer);
    ck_assert_double_eq(asyncio_timer_handle_when(timer), 12.5);
    asyncio_handle_unref(timer);
    asyncio_handle_unref(plain);
}

/* parity: test_events.py TimerTests test_timer */
BEHAVIOUR(a_cancelled_timer_drops_its_argument_at_once)
{
    asyncio_handle_t *timer;

    assert_r(asyncio_loop_call_later(loop(), 1, trace_arg, LETTER("t"),
                                     .ret_handle = &timer,
                                     .drop = count_drop),
             0);
    ck_assert_int_eq(drops, 0);
    asyncio_handle_cancel(timer);
    ck_assert_int_eq(drops, 1);
    asyncio_handle_cancel(timer);
    asyncio_handle_unref(timer);
    ck_assert_int_eq(drops, 1);
    assert_r(asyncio_sleep(2), 0);
    assert_trace("");
}

/* parity: test_events.py TimerTests test_timer_comparison */
BEHAVIOUR(timers_run_by_time_and_equal_ones_in_order)
{
    static const struct {
        double delay;
        const char *letter;
    } timers[] = {{3, "h"}, {1, "a"}, {2, "e"}, {1, "b"}, {2, "f"},
                  {1, "c"}, {3, "i"}, {2, "g"}, {1, "d"}};

    for (int i = 0; i < 9; i++)
        asyncio_handle_unref(later(timers[i].delay, timers[i].letter));
    assert_r(asyncio_sleep(4), 0);
    assert_trace("abcdefghi");
}

static int
rearms(void *arg)
{
    (void) arg;
    trace('r');
    asyncio_handle_unref(later(-5, "n"));
    return 0;
}

BEHAVIOUR(a_timer_armed_in_a_pass_waits_for_the_next)
{
    asyncio_loop_call_later(loop(), 0, rearms, NULL);
    asyncio_handle_unref(later(0, "x"));
    passes(1);
    passes(1);
    assert_trace("rx");
    passes(1);
    assert_trace("rxn");
}

BEHAVIOUR(the_argument_of_a_callback_is_dropped_once, .times = 3)
{
    asyncio_handle_t *handle;

    assert_r(asyncio_loop_call_soon(loop(), trace_arg, LETTER("a"),
                                    .ret_handle = &handle,
                                    .drop = count_drop),
             0);
    if (_i == 1)
        asyncio_handle_cancel(handle);
    passes(1);
    if (_i == 2)
        asyncio_handle_cancel(handle);
    asyncio_handle_unref(handle);
    ck_assert_int_eq(drops, 1);
    assert_trace(_i == 1 ? "" : "a");
}

BEHAVIOUR(what_is_refused_is_not_dropped)
{
    assert_r(asyncio_loop_call_later(loop(), NAN, trace_arg, NULL,
                                     .drop = count_drop),
             UV_EINVAL);
    assert_r(asyncio_loop_call_at(loop(), NAN, trace_arg, NULL,
                                  .drop = count_drop),
             UV_EINVAL);
    ck_assert_int_eq(drops, 0);
}

PLAIN(a_closing_loop_drops_what_it_has, .times = 2)
{
    asyncio_loop_t *other = virtual_loop();
    asyncio_handle_t *handle;

    if (_i == 0)
        asyncio_loop_call_soon(other, trace_arg, NULL, .ret_handle = &handle,
                               .drop = count_drop);
    else
        asyncio_loop_call_later(other, 5, trace_arg, NULL,
                                .ret_handle = &handle, .drop = count_drop);
    end_loop(other);
    ck_assert_int_eq(drops, 1);
    asyncio_handle_cancel(handle);
    asyncio_handle_unref(handle);
    ck_assert_int_eq(drops, 1);
}

static int
fails(void *arg)
{
    (void) arg;
    return asyncio_raise(ASYNCIO_ERR_VALUE, "out of a callback");
}

/* parity: test_events.py HandleTests test_callback_with_exception */
BEHAVIOUR(an_error_of_a_callback_is_reported_with_its_handle)
{
    asyncio_handle_t *handle;

    catch_reports();
    asyncio_loop_call_soon(loop(), fails, NULL, .ret_handle = &handle);
    passes(1);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "Exception in callback");
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(reports.detail, "out of a callback");
    ck_assert_ptr_eq(reports.handle, handle);
    asyncio_handle_unref(handle);
}

static int
cancels_arg(void *handle)
{
    trace('c');
    asyncio_handle_cancel(*(asyncio_handle_t **) handle);
    return 0;
}

BEHAVIOUR(a_callback_may_cancel_the_next_one_or_itself)
{
    asyncio_handle_t *self, *next;

    asyncio_loop_call_soon(loop(), cancels_arg, &next);
    next = soon("x");
    asyncio_loop_call_soon(loop(), cancels_arg, &self, .ret_handle = &self);
    passes(1);
    assert_trace("cc");
    ck_assert(asyncio_handle_cancelled(self));
    asyncio_handle_unref(self);
    asyncio_handle_unref(next);
}
