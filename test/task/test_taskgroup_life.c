/* SPDX-License-Identifier: MIT */
/*
 * Task groups: names, growth, what is refused when, base errors, counts, and
 * 3.15's cancel().
 */
#include "group.h"

#include <string.h>

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_20 */
BEHAVIOUR(an_interrupt_of_the_body_comes_out_bare)
{
    int r;

    enter(&g);
    add(&g, 0.1, UV_EIO);
    r = asyncio_sleep(10);
    r = asyncio_raise_from(ASYNCIO_ERR_INTERRUPTED, "body after %d", r);
    assert_r(asyncio_task_group_exit(&g, r), ASYNCIO_ERR_INTERRUPTED);
    ck_assert_ptr_nonnull(strstr(newest_message(), "body after"));
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_20a */
/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_21a */
BEHAVIOUR(any_other_error_joins_the_group, .times = 2)
{
    int r;

    enter(&g);
    add(&g, 0.1, _i == 0 ? UV_EIO : ASYNCIO_ERR_DEADLOCK);
    r = asyncio_sleep(10);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    r = asyncio_raise(_i == 0 ? ASYNCIO_ERR_FAILED : UV_EIO, "body");
    assert_r(asyncio_task_group_exit(&g, r), ASYNCIO_ERR_EXCEPTION_GROUP);
    ck_assert_uint_eq(
        asyncio_error_group_count(asyncio_current_exception()), 2);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_23 */
BEHAVIOUR(children_that_ended_are_no_longer_counted)
{
    char text[64];

    enter(&g);
    for (int i = 0; i < 10; i++) {
        add(&g, 0.1, 0);
        assert_r(asyncio_sleep(0.2), 0);
        asyncio_task_group_repr(&g, text, sizeof text);
        ck_assert_str_eq(text, "<TaskGroup tasks=0 errors=0 entered>");
    }
    assert_r(asyncio_task_group_exit(&g, 0), 0);
}

static int
spawns(void *arg)
{
    int depth = *(int *) arg - 1;
    int r = asyncio_sleep(0.01);

    trace('s');
    if (r == 0 && depth > 0)
        asyncio_task_group_create_task(
            &g, asyncio_coro_new(spawns, &depth, sizeof depth));
    return r;
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_24 */
BEHAVIOUR(children_may_add_children_while_the_group_waits)
{
    int depth = 5;

    enter(&g);
    asyncio_task_group_create_task(
        &g, asyncio_coro_new(spawns, &depth, sizeof depth));
    assert_r(asyncio_task_group_exit(&g, 0), 0);
    assert_trace("sssss");
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_25 */
BEHAVIOUR(children_that_spawn_for_ever_stop_when_another_fails)
{
    int depth = 1000;

    enter(&g);
    asyncio_task_group_create_task(
        &g, asyncio_coro_new(spawns, &depth, sizeof depth));
    add(&g, 0.055, UV_EIO);
    assert_group(asyncio_task_group_exit(&g, 0), 1, UV_EIO);
    ck_assert_int_eq(now_ms(), 55);
}

static int
checks_name(void *arg)
{
    (void) arg;
    ck_assert_str_eq(asyncio_task_get_name(asyncio_current_task()), "yolo");
    trace('n');
    return 0;
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_task_name */
/* parity: test_taskgroups.py TestTaskGroup test_name */
BEHAVIOUR(children_have_the_name_they_were_given, .times = 2)
{
    enter(&g);
    asyncio_task_t *task = asyncio_task_group_create_task(
        &g, asyncio_coro(checks_name), .name = "yolo", .eager_start = _i);
    ck_assert_str_eq(asyncio_task_get_name(task), "yolo");
    assert_r(asyncio_task_group_exit(&g, 0), 0);
    assert_trace("n");
}

static int
adds_late(void *arg)
{
    int r = asyncio_sleep(10);

    (void) arg;
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    asyncio_task_t *refused = asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .letter = 'x'), .drop = count_drop);
    assert_r(asyncio_task_result(refused), ASYNCIO_ERR_RUNTIME);
    trace('r');
    return r;
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_no_create_task_after_failure */
BEHAVIOUR(a_group_that_shuts_down_takes_no_children)
{
    enter(&g);
    add(&g, 0.1, UV_EIO);
    asyncio_task_group_create_task(&g, asyncio_coro(adds_late));
    assert_group(asyncio_task_group_exit(&g, 0), 1, UV_EIO);
    assert_trace("r");
    ck_assert_int_eq(drops, 1);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_double_enter */
BEHAVIOUR(a_group_is_entered_once)
{
    enter(&g);
    assert_r(asyncio_task_group_exit(&g, 0), 0);
    for (int i = 0; i < 2; i++) {
        asyncio_task_group_enter(&g);
        ck_assert_str_eq(newest_message(),
                         "TaskGroup has already been entered");
        assert_r(asyncio_task_group_exit(&g, 0), ASYNCIO_ERR_RUNTIME);
    }
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_finished */
/* parity: test_taskgroups.py TestTaskGroup test_coro_closed_when_tg_closed */
BEHAVIOUR(a_finished_group_takes_no_children_and_drops_their_frames)
{
    enter(&g);
    assert_r(asyncio_task_group_exit(&g, 0), 0);
    asyncio_task_t *task = asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .letter = 'x'), .drop = count_drop);
    ck_assert_ptr_nonnull(strstr(newest_message(), "is finished"));
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_RUNTIME);
    ck_assert_int_eq(drops, 1);
    passes(1);
    assert_trace("");
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_not_entered */
BEHAVIOUR(a_group_that_was_not_entered_takes_no_children)
{
    asyncio_task_group_init(&g);
    asyncio_task_t *task = asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .letter = 'x'), .drop = count_drop);
    ck_assert_ptr_nonnull(strstr(newest_message(), "has not been entered"));
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_RUNTIME);
    ck_assert_int_eq(drops, 1);
    assert_r(asyncio_task_group_exit(&g, 0), ASYNCIO_ERR_RUNTIME);
}

PLAIN(a_group_outside_a_loop_fails_at_its_exit)
{
    enter(&g);
    assert_r(asyncio_task_group_exit(&g, 0), ASYNCIO_ERR_NO_RUNNING_LOOP);
}

/* parity: test_taskgroups.py TestTaskGroup test_cancelling_level_preserved */
BEHAVIOUR(a_failed_group_leaves_the_count_as_it_was)
{
    for (int i = 0; i < 2; i++) {
        enter(&g);
        add(&g, i == 0 ? -1 : 0.1, UV_EIO);
        assert_group(asyncio_task_group_exit(&g, asyncio_sleep(1)), 1,
                     UV_EIO);
        ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
        assert_r(asyncio_sleep(0), 0);
    }
}

/* parity: test_taskgroups.py TestTaskGroup test_nested_groups_both_cancelled */
BEHAVIOUR(inner_and_outer_group_may_fail_in_one_pass)
{
    asyncio_task_t *me = asyncio_current_task();
    asyncio_task_group_t inner;
    int r;

    enter(&g);
    enter(&inner);
    add(&inner, 0.1, UV_EIO);
    add(&g, 0.1, UV_EPIPE);
    r = asyncio_task_group_exit(&inner, asyncio_sleep(5));
    assert_group(r, 1, UV_EIO);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 1);
    assert_group(asyncio_task_group_exit(&g, 0), 1, UV_EPIPE);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 0);
}

static int
fails_and_is_cancelled(void *arg)
{
    asyncio_task_t *me = asyncio_current_task();
    asyncio_task_group_t group;

    (void) arg;
    enter(&group);
    add(&group, 0.1, UV_EIO);
    assert_group(asyncio_task_group_exit(&group, 0), 1, UV_EIO);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 1);
    assert_r(asyncio_sleep(1), ASYNCIO_ERR_CANCELLED);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 1);
    trace('!');
    return ASYNCIO_ERR_CANCELLED;
}

/* parity: test_taskgroups.py TestTaskGroup test_error_and_cancel */
BEHAVIOUR(a_cancel_beside_an_error_comes_with_the_next_wait)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(fails_and_is_cancelled));

    /* The child has failed and the group heard of it. */
    assert_r(asyncio_sleep(0.1), 0);
    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    assert_trace("!");
    asyncio_task_unref(task);
}

static int
starts_a_failing_one(void *arg)
{
    int r;

    (void) arg;
    asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .seconds = -1, .result = UV_EIO),
        .eager_start = true);
    r = asyncio_sleep(10);
    trace(r == ASYNCIO_ERR_CANCELLED ? 'c' : '?');
    return r;
}

/* parity: test_taskgroups.py TestTaskGroup test_cancels_task_if_created_during_creation */
BEHAVIOUR(an_eager_child_whose_own_child_fails_is_cancelled)
{
    enter(&g);
    asyncio_task_group_create_task(&g, asyncio_coro(starts_a_failing_one),
                                   .eager_start = true);
    assert_group(asyncio_task_group_exit(&g, 0), 1, UV_EIO);
    assert_trace("c");
}

/* parity: test_taskgroups.py TestTaskGroup test_cancellation_does_not_leak_out_of_tg */
BEHAVIOUR(an_eager_child_cannot_fail_inside_create_task)
{
    enter(&g);
    asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .seconds = -1, .result = UV_EIO),
        .eager_start = true);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
    assert_group(asyncio_task_group_exit(&g, 0), 1, UV_EIO);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(1), 0);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_cancel_body */
/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_cancel_idempotent */
BEHAVIOUR(a_cancelled_group_ends_without_an_error, .times = 2)
{
    asyncio_task_t *me = asyncio_current_task();
    int r;

    enter(&g);
    asyncio_task_t *child = asyncio_future_ref(add(&g, 10, 0));
    passes(1);
    for (int i = 0; i <= _i; i++)
        asyncio_task_group_cancel(&g);
    trace('b');
    r = asyncio_sleep(5);
    ck_assert_int_eq(r, ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_task_group_exit(&g, r), 0);
    ck_assert(asyncio_task_cancelled(child));
    ck_assert_int_eq(now_ms(), 0);
    ck_assert_uint_eq(asyncio_task_cancelling(me), 0);
    asyncio_task_group_cancel(&g);
    assert_r(asyncio_sleep(0), 0);
    asyncio_task_unref(child);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_cancel_before_enter */
BEHAVIOUR(a_group_cancelled_before_its_entry_stops_the_first_wait)
{
    asyncio_task_group_cancel(asyncio_task_group_init(&g));
    asyncio_task_group_enter(&g);
    assert_r(asyncio_task_group_exit(&g, asyncio_sleep(5)), 0);
    ck_assert_int_eq(now_ms(), 0);
    assert_r(asyncio_sleep(0), 0);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_cancel_before_create_task */
BEHAVIOUR(a_cancelled_group_takes_no_children)
{
    enter(&g);
    asyncio_task_group_cancel(&g);
    asyncio_task_t *task = asyncio_task_group_create_task(
        &g, asyncio_coro(nap, .letter = 'x'), .drop = count_drop);
    ck_assert_ptr_nonnull(strstr(newest_message(), "is shutting down"));
    assert_r(asyncio_task_result(task), ASYNCIO_ERR_RUNTIME);
    ck_assert_int_eq(drops, 1);
    assert_r(asyncio_task_group_exit(&g, asyncio_sleep(1)), 0);
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_cancel_with_exception */
BEHAVIOUR(errors_come_out_of_a_cancelled_group, .times = 2)
{
    int r = 0;

    enter(&g);
    if (_i == 0)
        asyncio_task_group_create_task(
            &g, asyncio_coro(stubborn, .seconds = 10, .answer = UV_EIO));
    passes(1);
    asyncio_task_group_cancel(&g);
    if (_i == 1)
        r = asyncio_raise(UV_EIO, "body");
    assert_group(asyncio_task_group_exit(&g, r), 1, UV_EIO);
    ck_assert_uint_eq(asyncio_task_cancelling(asyncio_current_task()), 0);
    assert_r(asyncio_sleep(0), 0);
}

static int
group_that_is_slow_to_end(void *arg)
{
    asyncio_task_group_t group;

    (void) arg;
    enter(&group);
    asyncio_task_group_create_task(
        &group, asyncio_coro(stubborn, .seconds = 10, .cleanup = 1,
                             .answer = ASYNCIO_ERR_CANCELLED));
    passes(1);
    asyncio_task_group_cancel(&group);
    return asyncio_task_group_exit(&group, 0);
}

BEHAVIOUR(a_cancel_from_outside_is_not_lost_in_a_cancelled_group)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(group_that_is_slow_to_end));

    assert_r(asyncio_sleep(0.5), 0);
    asyncio_task_cancel(task);
    passes(2);
    ck_assert(!asyncio_task_done(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 1000);
    asyncio_task_unref(task);
}

static int
cancels_group(void *arg)
{
    int r;

    (void) arg;
    asyncio_task_group_cancel(&g);
    r = asyncio_sleep(10);
    trace(r == ASYNCIO_ERR_CANCELLED ? 'c' : '?');
    return r;
}

/* parity: test_taskgroups.py TestTaskGroup test_taskgroup_cancel_from_child_before_first_suspension */
BEHAVIOUR(an_eager_child_that_cancels_the_group_is_cancelled, .times = 2)
{
    enter(&g);
    asyncio_task_group_create_task(&g, asyncio_coro(cancels_group),
                                   .eager_start = _i == 0);
    assert_r(asyncio_task_group_exit(&g, 0), 0);
    assert_trace("c");
    ck_assert_int_eq(now_ms(), 0);
}
