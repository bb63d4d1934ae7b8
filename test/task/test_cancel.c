/* SPDX-License-Identifier: MIT */
/*
 * Cancelling tasks: a request, delivered where the task waits, counted, with
 * its message, and free to be swallowed.
 */
#include "scenes.h"

/* parity: test_tasks.py BaseTaskTests test_task_cancel_message_getter */
/* parity: test_tasks.py BaseTaskTests test_task_cancel_message_setter */
/* parity: test_tasks.py BaseTaskTests test_cancel_with_message_before_starting_task */
BEHAVIOUR(a_task_cancelled_before_its_first_step_never_runs)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(nap, .letter = 'x'), .drop = count_drop);

    ck_assert(asyncio_task_cancel(task, .message = "first message"));
    ck_assert(asyncio_task_cancel(task, .message = "my message"));
    ck_assert_uint_eq(asyncio_task_cancelling(task), 2);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "my message");
    ck_assert(asyncio_task_cancelled(task));
    assert_trace("");
    asyncio_task_unref(task);
    ck_assert_int_eq(drops, 1);
}

struct counts {
    unsigned caught;
    unsigned after;
};

static int
uncancels(void *arg)
{
    struct counts *self = arg;
    int r = asyncio_sleep(10);

    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    self->caught = asyncio_task_cancelling(asyncio_current_task());
    self->after = asyncio_task_uncancel(asyncio_current_task());
    return asyncio_sleep(10);
}

/* parity: test_tasks.py BaseTaskTests test_uncancel_basic */
BEHAVIOUR(a_task_may_take_a_cancel_back_and_go_on)
{
    struct counts counts = {9, 9};
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(uncancels, &counts, sizeof counts));
    struct counts *seen = asyncio_task_frame(task);

    passes(1);
    ck_assert_uint_eq(asyncio_task_cancelling(task), 0);
    ck_assert(asyncio_task_cancel(task));
    ck_assert_uint_eq(asyncio_task_cancelling(task), 1);
    passes(1);
    ck_assert_uint_eq(seen->caught, 1);
    ck_assert_uint_eq(seen->after, 0);
    ck_assert_uint_eq(asyncio_task_cancelling(task), 0);
    ck_assert(!asyncio_task_done(task));

    ck_assert(asyncio_task_cancel(task));
    passes(1);
    ck_assert(asyncio_task_cancelled(task));
    ck_assert_uint_eq(asyncio_task_cancelling(task), 1);
    ck_assert_uint_eq(asyncio_task_uncancel(task), 0);
    ck_assert(asyncio_task_cancelled(task));
    asyncio_task_unref(task);
}

static int
cancel_arg(void *task)
{
    asyncio_task_cancel(task);
    return 0;
}

struct by_hand {
    double limit;
    double work;
    bool timed_out;
    unsigned after;
};

/* A timeout as one would write it with the primitives. */
static int
by_hand(void *arg)
{
    struct by_hand *self = arg;
    asyncio_task_t *me = asyncio_current_task();
    asyncio_handle_t *handle;
    int r;

    assert_r(asyncio_loop_call_later(asyncio_get_running_loop(), self->limit,
                                     cancel_arg, me, .ret_handle = &handle),
             0);
    r = asyncio_sleep(self->work);
    asyncio_handle_cancel(handle);
    asyncio_handle_unref(handle);
    if (r == ASYNCIO_ERR_CANCELLED && asyncio_task_uncancel(me) == 0)
        self->timed_out = true;
    self->after = asyncio_task_cancelling(me);
    return asyncio_sleep(5);
}

/* parity: test_tasks.py BaseTaskTests test_uncancel_structured_blocks */
BEHAVIOUR(a_timeout_written_by_hand_leaves_no_count, .times = 2)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(by_hand, .limit = 2, .work = _i == 0 ? 3 : 1));
    struct by_hand *seen = asyncio_task_frame(task);

    assert_r(asyncio_await(task), 0);
    ck_assert_int_eq(seen->timed_out, _i == 0);
    ck_assert_uint_eq(seen->after, 0);
    ck_assert_int_eq(now_ms(), _i == 0 ? 7000 : 6000);
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_cancel */
BEHAVIOUR(a_cancelled_sleeper_ends_at_once)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .seconds = 10, .letter = 'x'));

    asyncio_loop_call_soon(asyncio_get_running_loop(), cancel_arg, task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_task_done(task));
    ck_assert(asyncio_task_cancelled(task));
    ck_assert(!asyncio_task_cancel(task));
    ck_assert_int_eq(now_ms(), 0);
    assert_trace("");
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_cancel_with_message_then_future_result */
/* parity: test_tasks.py BaseTaskTests test_cancel_with_message_then_future_exception */
BEHAVIOUR(the_message_comes_out_of_result_and_exception, .times = 3)
{
    static const char *const messages[] = {NULL, "my message", "5"};
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .seconds = 1));

    passes(1);
    asyncio_task_cancel(task, .message = messages[_i]);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_CANCELLED);
    const asyncio_exception_t *e = asyncio_task_exception(task);
    ck_assert_int_eq(asyncio_exception_code(e), ASYNCIO_ERR_CANCELLED);
    ck_assert_pstr_eq(asyncio_exception_message(e), messages[_i]);
    ck_assert_ptr_null(asyncio_cause(e));
    asyncio_task_unref(task);
}

static int
fails_on_cancel(void *arg)
{
    int r = asyncio_sleep(10);

    (void) arg;
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    return asyncio_raise_from(ASYNCIO_ERR_VALUE, "from the handler");
}

/* parity: test_tasks.py BaseTaskTests test_cancellation_exception_context */
BEHAVIOUR(an_error_of_the_cleanup_has_the_cancellation_as_its_cause)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(fails_on_cancel));

    passes(1);
    asyncio_task_cancel(task, .message = "my message");
    assert_r(asyncio_await(task), ASYNCIO_ERR_VALUE);
    const asyncio_exception_t *cause =
        asyncio_cause(asyncio_task_exception(task));
    ck_assert_int_eq(asyncio_exception_code(cause), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(asyncio_exception_message(cause), "my message");
    asyncio_task_unref(task);
}

static int
yields(void *arg)
{
    int r = 0;

    (void) arg;
    while (r == 0)
        r = asyncio_sleep(0);
    return r;
}

/* parity: test_tasks.py BaseTaskTests test_cancel_yield */
BEHAVIOUR(a_task_can_be_cancelled_while_it_yields)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(yields));

    passes(3);
    ck_assert(asyncio_task_cancel(task, .message = "stop"));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "stop");
    ck_assert(asyncio_task_cancelled(task));
    ck_assert(!asyncio_task_cancel(task));
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_cancel_inner_future */
/* parity: test_tasks.py BaseTaskTests test_cancel_both_task_and_inner_future */
BEHAVIOUR(cancelling_what_a_task_awaits_cancels_it, .times = 2)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(await_it, .future = f));

    passes(1);
    ck_assert(asyncio_future_cancel(f));
    if (_i == 1)
        ck_assert(asyncio_task_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_future_cancelled(f));
    ck_assert(asyncio_task_cancelled(task));
    asyncio_task_unref(task);
    asyncio_future_unref(f);
}

static int
catches(void *arg)
{
    int r = asyncio_await(((struct await_it *) arg)->future);

    return r == ASYNCIO_ERR_CANCELLED ? 42 : r;
}

/* parity: test_tasks.py BaseTaskTests test_cancel_task_catching */
/* parity: test_tasks.py BaseTaskTests test_task_cancel_waiter_future */
BEHAVIOUR(a_task_that_catches_its_cancellation_ends_with_its_value)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(catches, &f, sizeof f));

    passes(1);
    ck_assert(asyncio_task_cancel(task));
    ck_assert(asyncio_future_cancelled(f));
    assert_r(asyncio_await(task), 42);
    ck_assert(!asyncio_task_cancelled(task));
    asyncio_task_unref(task);
    asyncio_future_unref(f);
}

struct two {
    asyncio_future_t *first;
    asyncio_future_t *second;
};

static int
ignores(void *arg)
{
    struct two *self = arg;
    int r = asyncio_await(self->first);

    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    return asyncio_await(self->second);
}

/* parity: test_tasks.py BaseTaskTests test_cancel_task_ignoring */
BEHAVIOUR(a_task_that_ignores_its_cancellation_goes_on)
{
    struct two two = {asyncio_future_new(), asyncio_future_new()};
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(ignores, &two, sizeof two));

    passes(1);
    asyncio_task_cancel(task);
    passes(2);
    ck_assert(asyncio_future_cancelled(two.first));
    ck_assert(!asyncio_future_done(two.second));
    assert_r(asyncio_future_set_result(two.second, NULL, .status = 42), 0);
    assert_r(asyncio_await(task), 42);
    ck_assert(!asyncio_task_cancelled(task));
    asyncio_task_unref(task);
    asyncio_future_unref(two.first);
    asyncio_future_unref(two.second);
}

static int
cancels_itself(void *arg)
{
    int *mode = arg;
    asyncio_task_t *me = asyncio_current_task();
    int r;

    ck_assert(asyncio_task_cancel(me));
    if (*mode == 0)
        return 7; /* never suspends again */
    r = *mode == 1 ? asyncio_sleep(0) : asyncio_sleep(5);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 0);
    assert_r(asyncio_sleep(0), 0); /* it is delivered once */
    return r;
}

/* parity: test_tasks.py BaseTaskTests test_cancel_current_task */
BEHAVIOUR(a_task_that_cancels_itself_is_hit_where_it_next_waits, .times = 3)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(cancels_itself, &_i, sizeof _i));

    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_task_cancelled(task));
    ck_assert(!asyncio_task_cancel(task));
    asyncio_task_unref(task);
}

static int
cancels_itself_and_awaits(void *arg)
{
    struct await_it *self = arg;

    asyncio_task_cancel(asyncio_current_task());
    return asyncio_await(self->future);
}

/* parity: test_tasks.py BaseTaskTests test_cancel_awaited_task */
BEHAVIOUR(a_pending_cancel_goes_down_to_what_is_awaited_next)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_task_t *child =
        asyncio_create_task(asyncio_coro(await_it, .future = f));
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(cancels_itself_and_awaits, &child, sizeof child));

    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_task_cancelled(task));
    ck_assert(asyncio_task_cancelled(child));
    ck_assert(asyncio_future_cancelled(f));
    asyncio_task_unref(task);
    asyncio_task_unref(child);
    asyncio_future_unref(f);
}

/* parity: test_tasks.py BaseTaskTests test_task_cancel_sleeping_task */
BEHAVIOUR(a_sleeper_cancelled_later_ends_then)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .seconds = 5000));

    asyncio_loop_call_later(asyncio_get_running_loop(), 0.1, cancel_arg,
                            task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 100);
    asyncio_task_unref(task);
}

static int
exits_on_cancel(void *arg)
{
    int *code = arg;
    int r = asyncio_sleep(10);

    return r == ASYNCIO_ERR_CANCELLED ? asyncio_raise(*code, "bye") : r;
}

/* parity: test_tasks.py BaseTaskTests test_baseexception_during_cancel */
PLAIN(an_exit_in_reaction_to_a_cancel_leaves_the_loop, .times = 2)
{
    int code = _i == 0 ? ASYNCIO_ERR_SYSTEM_EXIT : ASYNCIO_ERR_INTERRUPTED;
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro_new(exits_on_cancel, &code, sizeof code));

    asyncio_loop_stop(loop);
    assert_r(asyncio_loop_run_forever(loop), 0);
    asyncio_task_cancel(task);
    ck_assert(!asyncio_task_done(task));
    assert_r(asyncio_loop_run_forever(loop), code);
    ck_assert(asyncio_task_done(task));
    ck_assert(!asyncio_task_cancelled(task));
    assert_r(asyncio_task_result(task), code);
    asyncio_task_unref(task);
    end_loop(loop);
}

static int
inner(void *arg)
{
    int *proof = arg;
    int r = asyncio_sleep(10);

    *proof += 1;
    return r;
}

static int
outer(void *arg)
{
    int *proof = arg;
    int r = asyncio_await(asyncio_coro_new(inner, proof, sizeof *proof));

    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    *proof += 100;
    return 0;
}

/* parity: test_tasks.py BaseTaskTests test_yield_future_passes_cancel */
BEHAVIOUR(the_innermost_call_sees_the_cancellation_first)
{
    int proof = 0;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(outer, &proof, sizeof proof));

    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), 0);
    ck_assert_int_eq(*(int *) asyncio_task_frame(task), 101);
    asyncio_task_unref(task);
}

static int
returns_42(void *arg)
{
    struct await_it *self = arg;
    int r = asyncio_await(self->future);

    return r < 0 ? r : 42;
}

/* parity: test_tasks.py BaseTaskTests test_uncancel_resets_must_cancel */
BEHAVIOUR(uncancel_withdraws_what_was_not_delivered_yet)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(returns_42, &f, sizeof f));

    passes(1);
    asyncio_future_set_result(f, NULL);
    ck_assert(asyncio_task_cancel(task)); /* its wake-up is on the way */
    ck_assert_uint_eq(asyncio_task_cancelling(task), 1);
    ck_assert_uint_eq(asyncio_task_uncancel(task), 0);
    assert_r(asyncio_await(task), 42);
    asyncio_task_unref(task);
    asyncio_future_unref(f);
}

BEHAVIOUR(a_result_on_its_way_is_lost_to_a_cancel)
{
    asyncio_future_t *f = asyncio_future_new();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(returns_42, &f, sizeof f));

    passes(1);
    asyncio_future_set_result(f, NULL);
    ck_assert(asyncio_task_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(!asyncio_future_cancelled(f));
    asyncio_task_unref(task);
    asyncio_future_unref(f);
}

struct link {
    asyncio_task_t *next;
};

static int
link_await(void *arg)
{
    return asyncio_await(((struct link *) arg)->next);
}

BEHAVIOUR(a_cancel_goes_down_a_chain_of_any_length, .timeout = 30)
{
    enum { LENGTH = 20000 };
    static asyncio_task_t *tasks[LENGTH];

    tasks[0] = asyncio_create_task(asyncio_coro(forever));
    for (int i = 1; i < LENGTH; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro_new(link_await, &tasks[i - 1], sizeof tasks[0]));
    passes(1);
    ck_assert(asyncio_task_cancel(tasks[LENGTH - 1], .message = "down"));
    assert_r(asyncio_await(tasks[LENGTH - 1]), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "down");
    for (int i = 0; i < LENGTH; i++)
        ck_assert(asyncio_task_cancelled(tasks[i]));
    asyncio_future_unref_array(tasks, LENGTH);
}

static int
thinks_again(void *arg)
{
    asyncio_task_t *self = asyncio_current_task();

    (void) arg;
    ck_assert(asyncio_task_cancel(self, .message = "never delivered"));
    ck_assert_uint_eq(asyncio_task_uncancel(self), 0);
    return 7;
}

/* The counters tell whether it was kept. */
BEHAVIOUR(the_message_of_a_cancel_that_was_taken_back_goes_with_the_task)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(thinks_again, NULL, 0));

    assert_r(asyncio_await(task), 7);
    asyncio_task_unref(task);
}
