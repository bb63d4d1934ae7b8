/* SPDX-License-Identifier: MIT */
#include "actors.h"

#include <stdio.h>

static asyncio_condition_t condition;

static asyncio_task_t *
waiter(char letter)
{
    return START(await_notification, .condition = &condition,
                 .letter = letter);
}

static void
take(void)
{
    assert_r(asyncio_condition_acquire(&condition), 0);
}

static void
give(void)
{
    assert_r(asyncio_condition_release(&condition), 0);
}

/* async with condition: condition.notify(n) */
static void
notify(size_t n)
{
    take();
    assert_r(asyncio_condition_notify(&condition, n), 0);
    give();
}

/* parity: test_locks.py ConditionTests test_repr */
BEHAVIOUR(a_condition_describes_its_lock_and_its_waiters)
{
    char text[64];

    asyncio_condition_init(&condition, NULL);
    asyncio_condition_repr(&condition, text, sizeof text);
    ck_assert_str_eq(text, "<Condition [unlocked]>");
    asyncio_task_t *task = waiter('a');
    passes(1);
    take();
    asyncio_condition_repr(&condition, text, sizeof text);
    ck_assert_str_eq(text, "<Condition [locked, waiters:1]>");
    give();
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
}

/* parity: test_locks.py ConditionTests test_wait */
BEHAVIOUR(notified_tasks_go_on_in_order_once_they_have_the_lock)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *tasks[3] = {waiter('1'), waiter('2'), waiter('3')};
    passes(1);
    ck_assert(!asyncio_condition_locked(&condition));
    take();
    assert_r(asyncio_condition_notify(&condition, 1), 0);
    passes(2);
    assert_trace("");
    give();
    passes(1);
    assert_trace("1");
    take();
    assert_r(asyncio_condition_notify(&condition, 2), 0);
    passes(2);
    assert_trace("1");
    give();
    passes(1);
    assert_trace("12"); /* each takes the lock in turn */
    passes(1);
    assert_trace("123");
    for (int i = 0; i < 3; i++)
        assert_r(finish(tasks[i]), 0);
    assert_r(asyncio_condition_fini(&condition), 0);
}

/* parity: test_locks.py ConditionTests test_wait_cancel */
BEHAVIOUR(a_cancelled_wait_for_a_notification_ends_with_the_lock_taken)
{
    bool locked = false;

    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task = START(await_notification, .condition = &condition,
                                 .letter = 'a', .locked = &locked);
    passes(1);
    assert_r(asyncio_condition_fini(&condition), UV_EBUSY);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(locked);
    assert_r(asyncio_condition_fini(&condition), 0);
}

/* parity: test_locks.py ConditionTests test_wait_cancel_contested */
BEHAVIOUR(a_waiter_cancelled_while_others_have_the_lock_ends_with_it)
{
    bool locked = false;

    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task = START(await_notification, .condition = &condition,
                                 .letter = 'a', .locked = &locked);
    passes(1);
    take();
    assert_r(asyncio_condition_notify(&condition, 1), 0);
    asyncio_task_cancel(task);
    passes(3);
    ck_assert(!asyncio_task_done(task));
    give();
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(locked);
    assert_trace("");
}

/* parity: test_locks.py ConditionTests test_wait_cancel_after_notify */
BEHAVIOUR(a_cancel_while_the_lock_is_taken_again_is_not_lost)
{
    bool locked = false;

    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task = START(await_notification, .condition = &condition,
                                 .letter = 'a', .locked = &locked);
    passes(1);
    take();
    assert_r(asyncio_condition_notify(&condition, 1), 0);
    passes(1); /* it waits for the lock now */
    asyncio_task_cancel(task);
    passes(2);
    ck_assert(!asyncio_task_done(task));
    give();
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(locked);
    assert_trace("");
}

/* parity: test_locks.py ConditionTests test_wait_unacquired */
BEHAVIOUR(waiting_needs_the_lock)
{
    asyncio_condition_init(&condition, NULL);
    assert_r(asyncio_condition_wait(&condition), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(), "cannot wait on un-acquired lock");
}

static int value;

static int
value_above_one(void *arg)
{
    (void) arg;
    trace('?');
    return value > 1 ? value : 0;
}

static int
await_value(void *arg)
{
    int r;

    (void) arg;
    take();
    r = asyncio_condition_wait_for(&condition, value_above_one, NULL);
    give();
    return r;
}

/* parity: test_locks.py ConditionTests test_wait_for */
BEHAVIOUR(a_predicate_is_asked_again_after_every_notification)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task = START(await_value);
    passes(1);
    assert_trace("?");
    value = 1;
    notify(1);
    passes(1);
    assert_trace("??");
    ck_assert(!asyncio_task_done(task));
    value = 7;
    notify(1);
    assert_r(finish(task), 7);
    assert_trace("???");
}

/* parity: test_locks.py ConditionTests test_wait_for_unacquired */
BEHAVIOUR(a_predicate_that_holds_needs_no_lock)
{
    asyncio_condition_init(&condition, NULL);
    value = 2;
    assert_r(asyncio_condition_wait_for(&condition, value_above_one, NULL), 2);
    value = 0;
    assert_r(asyncio_condition_wait_for(&condition, value_above_one, NULL),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_condition_wait_for(&condition, NULL, NULL), UV_EINVAL);
}

static int
failing_predicate(void *arg)
{
    (void) arg;
    return UV_EIO;
}

BEHAVIOUR(an_error_of_a_predicate_comes_out)
{
    asyncio_condition_init(&condition, NULL);
    assert_r(asyncio_condition_wait_for(&condition, failing_predicate, NULL),
             UV_EIO);
}

/* parity: test_locks.py ConditionTests test_notify */
BEHAVIOUR(notifications_of_one_hold_add_up)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *tasks[3] = {waiter('1'), waiter('2'), waiter('3')};
    passes(1);
    notify(1);
    passes(2);
    assert_trace("1");
    take();
    assert_r(asyncio_condition_notify(&condition, 1), 0);
    assert_r(asyncio_condition_notify(&condition, 2048), 0);
    give();
    passes(3);
    assert_trace("123");
    for (int i = 0; i < 3; i++)
        assert_r(finish(tasks[i]), 0);
}

BEHAVIOUR(notify_all_wakes_all_that_wait)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *tasks[3] = {waiter('1'), waiter('2'), waiter('3')};
    passes(1);
    take();
    assert_r(asyncio_condition_notify_all(&condition), 0);
    give();
    for (int i = 0; i < 3; i++)
        assert_r(finish(tasks[i]), 0);
    assert_trace("123");
}

/* parity: test_locks.py ConditionTests test_notify_unacquired */
/* parity: test_locks.py ConditionTests test_notify_all_unacquired */
PLAIN(notifying_needs_the_lock)
{
    asyncio_condition_init(&condition, NULL);
    assert_r(asyncio_condition_notify(&condition, 1), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(), "cannot notify on un-acquired lock");
    assert_r(asyncio_condition_notify_all(&condition), ASYNCIO_ERR_RUNTIME);
}

/* parity: test_locks.py ConditionTests test_context_manager */
BEHAVIOUR(acquiring_a_condition_takes_its_lock)
{
    asyncio_lock_t lock;

    asyncio_lock_init(&lock);
    asyncio_condition_init(&condition, &lock);
    take();
    ck_assert(asyncio_lock_locked(&lock));
    ck_assert(asyncio_condition_locked(&condition));
    give();
    ck_assert(!asyncio_lock_locked(&lock));
    assert_r(asyncio_condition_fini(&condition), 0);
    assert_r(asyncio_lock_fini(&lock), 0);
}

static int
wait_inside(void *arg)
{
    (void) arg;
    return asyncio_condition_wait(&condition);
}

/* parity: test_locks.py ConditionTests test_timeout_in_block */
BEHAVIOUR(a_wait_that_times_out_has_the_lock_again)
{
    asyncio_condition_init(&condition, NULL);
    take();
    assert_r(asyncio_wait_for(asyncio_coro(wait_inside), 0.5),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert_int_eq(now_ms(), 500);
    ck_assert(asyncio_condition_locked(&condition));
    give();
}

static char message[32];

static int
await_notification_message(void *arg)
{
    int r = await_notification(arg);

    snprintf(message, sizeof message, "%s", newest_message());
    return r;
}

/* parity: test_locks.py ConditionTests test_cancelled_error_wakeup */
BEHAVIOUR(a_cancelled_wait_gives_the_message_of_the_cancellation)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(
            await_notification_message,
            &(struct await_notification){.condition = &condition},
            sizeof(struct await_notification)));
    passes(1);
    take(); /* so that it has to wait for the lock */
    asyncio_task_cancel(task, .message = "foo");
    passes(2);
    give();
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(message, "foo");
    ck_assert_str_eq(newest_message(), "foo");
}

/* parity: test_locks.py ConditionTests test_cancelled_error_re_aquire */
BEHAVIOUR(of_several_cancellations_of_a_wait_the_last_comes_out)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(
            await_notification_message,
            &(struct await_notification){.condition = &condition},
            sizeof(struct await_notification)));
    passes(1);
    take();
    assert_r(asyncio_condition_notify(&condition, 1), 0);
    passes(1);
    asyncio_task_cancel(task, .message = "first");
    passes(1);
    asyncio_task_cancel(task, .message = "last");
    passes(1);
    give();
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(message, "last");
}

/* parity: test_locks.py ConditionTests test_cancelled_wakeup */
BEHAVIOUR(who_is_notified_and_cancelled_passes_the_notification_on)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *a = waiter('a');
    asyncio_task_t *b = waiter('b');
    passes(1);
    notify(1);
    asyncio_task_cancel(a);
    assert_r(finish(a), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(b), 0);
    assert_trace("b");
}

/* parity: test_locks.py ConditionTests test_cancelled_wakeup_relock */
BEHAVIOUR(who_is_cancelled_before_it_has_the_lock_passes_the_notification_on)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *a = waiter('a');
    asyncio_task_t *b = waiter('b');
    passes(1);
    take();
    assert_r(asyncio_condition_notify(&condition, 1), 0);
    passes(1);
    asyncio_task_cancel(a);
    give();
    assert_r(finish(a), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(b), 0);
    assert_trace("b");
}

static asyncio_lock_t shared;

static int
contend(void *arg)
{
    (void) arg;
    assert_r(asyncio_lock_acquire(&shared), 0);
    asyncio_task_t *task = START(take_lock, .lock = &shared, .letter = 'a');
    passes(1);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    return 0;
}

static int
contend_elsewhere(void *arg)
{
    (void) arg;
    asyncio_condition_init(&condition, &shared);
    assert_r(asyncio_condition_acquire(&condition), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(),
                     "Lock is bound to a different event loop");
    return 0;
}

/* parity: test_locks.py ConditionTests test_ambiguous_loops */
PLAIN(a_lock_of_another_loop_cannot_be_waited_for)
{
    asyncio_loop_t *one = virtual_loop();
    asyncio_loop_t *other = virtual_loop();
    asyncio_task_t *task;

    asyncio_lock_init(&shared);
    task = asyncio_loop_create_task(one, asyncio_coro(contend));
    assert_r(asyncio_loop_run_until_complete(one, task), 0);
    asyncio_task_unref(task);
    task = asyncio_loop_create_task(other, asyncio_coro(contend_elsewhere));
    assert_r(asyncio_loop_run_until_complete(other, task), 0);
    asyncio_task_unref(task);
    end_loop(other);
    end_loop(one);
}

static int
wait_elsewhere(void *arg)
{
    (void) arg;
    take();
    assert_r(asyncio_condition_wait(&condition), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(),
                     "Condition is bound to a different event loop");
    ck_assert(asyncio_condition_locked(&condition));
    give();
    return 0;
}

static int
wait_here(void *arg)
{
    (void) arg;
    assert_r(end_by_cancel(waiter('a')), ASYNCIO_ERR_CANCELLED);
    take();
    assert_r(asyncio_wait_for(asyncio_coro(wait_inside), 1),
             ASYNCIO_ERR_TIMEOUT);
    give();
    return 0;
}

PLAIN(a_condition_of_another_loop_keeps_the_lock)
{
    asyncio_loop_t *one = virtual_loop();
    asyncio_loop_t *other = virtual_loop();
    asyncio_task_t *task;

    asyncio_condition_init(&condition, NULL);
    task = asyncio_loop_create_task(one, asyncio_coro(wait_here));
    assert_r(asyncio_loop_run_until_complete(one, task), 0);
    asyncio_task_unref(task);
    task = asyncio_loop_create_task(other, asyncio_coro(wait_elsewhere));
    assert_r(asyncio_loop_run_until_complete(other, task), 0);
    asyncio_task_unref(task);
    end_loop(other);
    end_loop(one);
}

static void
give_up_in_debug_mode(void *arg)
{
    (void) arg;
    asyncio_condition_fini(&condition);
}

BEHAVIOUR(debug_mode_names_who_waits_for_what_is_given_up)
{
    asyncio_condition_init(&condition, NULL);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(await_notification, .condition = &condition),
        .name = "the last");
    passes(1);
    asyncio_loop_set_debug(asyncio_get_running_loop(), true);
    assert_dies(give_up_in_debug_mode, NULL, SIGABRT,
                "a Condition is given up while the last waits for it");
    asyncio_loop_set_debug(asyncio_get_running_loop(), false);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
}
