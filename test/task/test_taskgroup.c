/* SPDX-License-Identifier: MIT */
/*
 * Task groups: children that end together, their errors, and cancelling from
 * outside.
 */
#include "group.h"

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_02 */
BEHAVIOUR(a_child_may_be_added_after_another_has_ended)
{
    asyncio_task_t *first, *second;

    enter(&g);
    first = add(&g, 0.1, 42);
    assert_r(asyncio_sleep(1), 0);
    second = add(&g, 0.2, 11);
    asyncio_future_ref(first);
    asyncio_future_ref(second);
    assert_r(asyncio_task_group_exit(&g, 7), 7);
    assert_r(asyncio_task_result(first), 42);
    assert_r(asyncio_task_result(second), 11);
    asyncio_task_unref(first);
    asyncio_task_unref(second);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_03 */
BEHAVIOUR(a_child_that_is_cancelled_alone_disturbs_nobody)
{
    enter(&g);
    asyncio_task_t *first = add(&g, 10, 42);
    asyncio_task_t *second = asyncio_future_ref(add(&g, 0.2, 11));
    passes(1);
    asyncio_task_cancel(first);
    assert_r(asyncio_task_group_exit(&g, 0), 0);
    ck_assert_int_eq(now_ms(), 200);
    assert_r(asyncio_task_result(second), 11);
    asyncio_task_unref(second);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_04 */
BEHAVIOUR(a_child_that_fails_cancels_the_others)
{
    enter(&g);
    asyncio_task_t *sleeper = asyncio_future_ref(add(&g, 10, 42));
    add(&g, 0.1, UV_EIO);
    assert_group(asyncio_task_group_exit(&g, 0), 1, UV_EIO);
    ck_assert(asyncio_task_cancelled(sleeper));
    ck_assert_int_eq(now_ms(), 100);
    asyncio_task_unref(sleeper);
}

/* parity: test_taskgroups.py TestTaskGroup test_cancel_children_on_child_error */
BEHAVIOUR(several_errors_come_out_together_and_the_body_is_cancelled)
{
    int r;

    enter(&g);
    for (int i = 0; i < 3; i++)
        add(&g, 0.1, UV_EIO);
    asyncio_task_t *sleeper = asyncio_future_ref(add(&g, 10, 0));
    r = asyncio_sleep(100);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    assert_group(asyncio_task_group_exit(&g, r), 3, UV_EIO);
    ck_assert(asyncio_task_cancelled(sleeper));
    asyncio_task_unref(sleeper);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
}

struct five {
    int answer;       /* of the children to their cancellation */
    double body;      /* seconds the body sleeps; 0: not at all */
    double grace;     /* seconds it takes to handle a cancellation */
    double cleanup;   /* seconds the children take for that */
    int own;          /* what the body returns then; 0: what it got */
    double fail_at;   /* when one child fails by itself; 0: none does */
    int seen;         /* by the children */
};

/* async with TaskGroup(): five children, and a body */
static int
five(void *arg)
{
    struct five *self = arg;
    asyncio_task_group_t group;
    int r = 0;

    enter(&group);
    for (int i = 0; i < 5; i++)
        asyncio_task_group_create_task(
            &group, asyncio_coro(stubborn, .seconds = 10,
                                 .cleanup = self->cleanup,
                                 .answer = self->answer,
                                 .seen = &self->seen));
    if (self->fail_at > 0)
        add(&group, self->fail_at, UV_EPIPE);
    if (self->body > 0)
        r = asyncio_sleep(self->body);
    if (r == ASYNCIO_ERR_CANCELLED) {
        trace('c');
        if (self->grace > 0) {
            int again = asyncio_sleep(self->grace);

            trace(again < 0 ? '!' : 'g');
        }
        if (self->own != 0)
            r = asyncio_raise(self->own, "body");
    }
    return asyncio_task_group_exit(&group, r);
}

static asyncio_task_t *
start_five(struct five frame)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(five, &frame, sizeof frame));

    passes(2);
    return task;
}

/* parity: test_taskgroups.py TestTaskGroup test_cancellation */
/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_07 */
BEHAVIOUR(cancelling_the_parent_cancels_all_and_comes_out, .times = 2)
{
    asyncio_task_t *task =
        start_five((struct five){.answer = ASYNCIO_ERR_CANCELLED,
                                 .body = _i == 0 ? 0 : 10});

    asyncio_task_cancel(task, .message = "outside");
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(newest_message(), "outside");
    ck_assert_int_eq(((struct five *) asyncio_task_frame(task))->seen, 5);
    assert_trace(_i == 0 ? "" : "c");
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_08 */
BEHAVIOUR(errors_of_the_children_beat_the_cancellation, .times = 2)
{
    asyncio_task_t *task = start_five(
        (struct five){.answer = UV_EIO, .body = _i == 0 ? 0 : 10});

    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_EXCEPTION_GROUP);
    ck_assert_uint_eq(
        asyncio_error_group_count(asyncio_task_exception(task)), 5);
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_09 */
BEHAVIOUR(an_error_of_the_body_is_in_the_group)
{
    enter(&g);
    asyncio_task_t *sleeper = asyncio_future_ref(add(&g, 10, 0));
    assert_r(asyncio_sleep(0.1), 0);
    assert_group(asyncio_task_group_exit(&g, asyncio_raise(UV_EIO, "body")),
                 1, UV_EIO);
    const asyncio_exception_t *e =
        asyncio_error_group_get(asyncio_current_exception(), 0);
    ck_assert_str_eq(asyncio_exception_message(e), "body");
    ck_assert(asyncio_task_cancelled(sleeper));
    asyncio_task_unref(sleeper);
}

struct nested {
    bool outer_child; /* a sleeper in the outer group */
    double outer_fails;
    double inner_fails;
    int answer; /* of the inner child to its cancellation */
    int inner;  /* what the inner group gave */
};

static int
nested(void *arg)
{
    struct nested *self = arg;
    asyncio_task_group_t outer, inner;
    int r;

    enter(&outer);
    if (self->outer_child)
        add(&outer, 100, 0);
    if (self->outer_fails > 0)
        add(&outer, self->outer_fails, UV_EPIPE);
    enter(&inner);
    asyncio_task_group_create_task(
        &inner, asyncio_coro(stubborn, .seconds = 10,
                             .answer = self->answer));
    if (self->inner_fails > 0)
        add(&inner, self->inner_fails, UV_EIO);
    r = asyncio_task_group_exit(&inner, asyncio_sleep(10));
    self->inner = r;
    return asyncio_task_group_exit(&outer, r);
}

static const asyncio_exception_t *
run_nested(struct nested frame, bool cancel, asyncio_task_t **ret_task)
{
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(nested, &frame, sizeof frame));

    passes(2);
    if (cancel)
        asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_EXCEPTION_GROUP);
    *ret_task = task;
    return asyncio_task_exception(task);
}

static const asyncio_exception_t *
only(const asyncio_exception_t *e)
{
    ck_assert_uint_eq(asyncio_error_group_count(e), 1);
    return asyncio_error_group_get(e, 0);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_11 */
/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_12 */
BEHAVIOUR(errors_of_an_inner_group_are_a_group_in_the_outer, .times = 2)
{
    asyncio_task_t *task;
    const asyncio_exception_t *e =
        run_nested((struct nested){.outer_child = _i == 1, .answer = UV_EIO},
                   true, &task);

    ck_assert_int_eq(asyncio_exception_code(only(only(e))), UV_EIO);
    ck_assert(asyncio_exception_matches(e, UV_EIO));
    ck_assert(!asyncio_exception_matches(e, UV_EPIPE));
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_13 */
BEHAVIOUR(an_error_of_the_outer_group_is_not_nested)
{
    asyncio_task_t *task;
    const asyncio_exception_t *e =
        run_nested((struct nested){.outer_fails = 0.1,
                                   .answer = ASYNCIO_ERR_CANCELLED},
                   false, &task);

    ck_assert_int_eq(asyncio_exception_code(only(e)), UV_EPIPE);
    ck_assert_int_eq(((struct nested *) asyncio_task_frame(task))->inner,
                     ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_14 */
BEHAVIOUR(an_error_of_the_inner_group_cancels_the_outer)
{
    asyncio_task_t *task;
    const asyncio_exception_t *e =
        run_nested((struct nested){.outer_child = true, .inner_fails = 0.1,
                                   .answer = ASYNCIO_ERR_CANCELLED},
                   false, &task);

    ck_assert_int_eq(asyncio_exception_code(only(only(e))), UV_EIO);
    ck_assert_int_eq(now_ms(), 100);
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_15 */
BEHAVIOUR(a_child_that_fails_while_a_cancel_is_handled_beats_it)
{
    asyncio_task_t *task = start_five((struct five){
        .answer = ASYNCIO_ERR_CANCELLED, .body = 10, .grace = 0.5,
        .fail_at = 0.3});

    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_EXCEPTION_GROUP);
    ck_assert_int_eq(
        asyncio_exception_code(only(asyncio_task_exception(task))), UV_EPIPE);
    asyncio_task_unref(task);
}

static int
awaits_five(void *arg)
{
    return asyncio_await(*(asyncio_task_t **) arg);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_16 */
BEHAVIOUR(the_same_in_a_task_that_the_cancelled_one_awaits)
{
    asyncio_task_t *task = start_five((struct five){
        .answer = ASYNCIO_ERR_CANCELLED, .body = 10, .grace = 0.5,
        .fail_at = 0.3});
    asyncio_task_t *outer = asyncio_create_task(
        asyncio_coro_new(awaits_five, &task, sizeof task));

    passes(1);
    asyncio_task_cancel(outer);
    assert_r(asyncio_await(outer), ASYNCIO_ERR_EXCEPTION_GROUP);
    ck_assert_int_eq(
        asyncio_exception_code(only(asyncio_task_exception(outer))),
        UV_EPIPE);
    asyncio_task_unref(outer);
    asyncio_task_unref(task);
}

static int
empty_group(void *arg)
{
    asyncio_task_group_t group;
    int r;

    enter(&group);
    r = asyncio_sleep(10);
    if (*(int *) arg != 0)
        r = asyncio_raise(*(int *) arg, "mine");
    return asyncio_task_group_exit(&group, r);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_17 */
/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_18 */
BEHAVIOUR(a_cancelled_body_alone_gives_what_it_makes_of_it, .times = 2)
{
    int own = _i == 0 ? 0 : UV_EIO;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(empty_group, &own, sizeof own));

    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), _i == 0 ? ASYNCIO_ERR_CANCELLED
                                          : ASYNCIO_ERR_EXCEPTION_GROUP);
    if (_i == 1)
        ck_assert_int_eq(
            asyncio_exception_code(only(asyncio_task_exception(task))),
            UV_EIO);
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_22 */
BEHAVIOUR(a_parent_cancelled_before_the_exit_cancels_its_children)
{
    asyncio_task_t *task = start_five(
        (struct five){.answer = ASYNCIO_ERR_CANCELLED, .cleanup = 0.1});

    asyncio_task_cancel(task);
    passes(1);
    asyncio_task_cancel(task); /* does not leave early */
    passes(2);
    ck_assert(!asyncio_task_done(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 100);
    ck_assert_int_eq(((struct five *) asyncio_task_frame(task))->seen, 5);
    asyncio_task_unref(task);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_context_manager_exit_raises */
/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_19 */
BEHAVIOUR(an_error_of_the_bodys_clean_up_joins_the_childs)
{
    int r;

    enter(&g);
    add(&g, 0.1, UV_EIO);
    r = asyncio_sleep(10);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    r = asyncio_raise(UV_EPIPE, "clean-up");
    assert_r(asyncio_task_group_exit(&g, r), ASYNCIO_ERR_EXCEPTION_GROUP);
    const asyncio_exception_t *e = asyncio_current_exception();
    ck_assert_uint_eq(asyncio_error_group_count(e), 2);
    ck_assert(asyncio_exception_matches(e, UV_EIO));
    ck_assert(asyncio_exception_matches(e, UV_EPIPE));
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
}
