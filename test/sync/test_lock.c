/* SPDX-License-Identifier: MIT */
#include "actors.h"

static asyncio_lock_t lock;

/* parity: test_locks.py LockTests test_repr */
BEHAVIOUR(a_lock_describes_its_state_and_its_waiters)
{
    char text[64];

    asyncio_lock_init(&lock);
    ck_assert_uint_eq(asyncio_lock_repr(&lock, text, sizeof text), 17);
    ck_assert_str_eq(text, "<Lock [unlocked]>");
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_lock_repr(&lock, text, sizeof text);
    ck_assert_str_eq(text, "<Lock [locked]>");
    asyncio_task_t *task = START(take_lock, .lock = &lock, .letter = 'a');
    passes(1);
    asyncio_lock_repr(&lock, text, sizeof text);
    ck_assert_str_eq(text, "<Lock [locked, waiters:1]>");
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
}

PLAIN(a_description_that_does_not_fit_is_cut_and_counted)
{
    char text[10];

    asyncio_lock_init(&lock);
    ck_assert_uint_eq(asyncio_lock_repr(&lock, text, sizeof text), 17);
    ck_assert_str_eq(text, "<Lock [un");
    ck_assert_uint_eq(asyncio_lock_repr(&lock, NULL, 0), 17);
}

/* parity: test_locks.py LockTests test_acquire */
BEHAVIOUR(a_lock_is_handed_over_in_order_and_nobody_overtakes)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *first = START(take_lock, .lock = &lock, .letter = '1');
    asyncio_task_t *second = START(take_lock, .lock = &lock, .letter = '2');
    passes(1);
    assert_trace("");
    assert_r(asyncio_lock_release(&lock), 0);
    asyncio_task_t *third = START(take_lock, .lock = &lock, .letter = '3');
    passes(1);
    assert_trace("1");
    ck_assert(asyncio_lock_locked(&lock));
    assert_r(asyncio_lock_release(&lock), 0);
    passes(1);
    assert_trace("12");
    assert_r(asyncio_lock_release(&lock), 0);
    passes(1);
    assert_trace("123");
    assert_r(finish(first), 0);
    assert_r(finish(second), 0);
    assert_r(finish(third), 0);
    assert_r(asyncio_lock_fini(&lock), 0);
}

BEHAVIOUR(who_releases_a_lock_cannot_take_it_before_those_who_wait)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *task = START(take_lock, .lock = &lock, .letter = 'a');
    passes(1);
    assert_r(asyncio_lock_release(&lock), 0);
    ck_assert(!asyncio_lock_locked(&lock));
    asyncio_task_t *again = START(take_lock, .lock = &lock, .letter = 'b');
    assert_r(finish(task), 0);
    passes(2);
    assert_trace("a");
    assert_r(end_by_cancel(again), ASYNCIO_ERR_CANCELLED);
}

/* Takes it and gives it back in the same step. */
static int
take_and_give(void *arg)
{
    int r = asyncio_lock_acquire(&lock);

    (void) arg;
    if (r < 0)
        return r;
    trace('a');
    return asyncio_lock_release(&lock);
}

BEHAVIOUR(a_releaser_that_wants_the_lock_again_waits_for_its_turn)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(take_and_give, NULL, 0));
    passes(1);
    assert_r(asyncio_lock_release(&lock), 0);
    ck_assert(!asyncio_lock_locked(&lock));
    assert_trace("");
    assert_r(asyncio_lock_acquire(&lock), 0); /* free, but not for us */
    assert_trace("a");
    assert_r(asyncio_lock_release(&lock), 0);
    assert_r(finish(task), 0);
}

BEHAVIOUR(when_all_who_waited_are_cancelled_a_newcomer_takes_the_lock_at_once)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro_new(take_and_give, NULL, 0));
    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_lock_release(&lock), 0);
    assert_r(asyncio_lock_acquire(&lock), 0);
    ck_assert(!asyncio_task_done(task)); /* so nothing else has run */
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    assert_trace("");
    ck_assert(asyncio_lock_locked(&lock));
    assert_r(asyncio_lock_release(&lock), 0);
}

/* parity: test_locks.py LockTests test_acquire_cancel */
BEHAVIOUR(a_cancelled_acquire_leaves_no_waiter)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *task = START(take_lock, .lock = &lock, .letter = 'a');
    passes(1);
    assert_r(asyncio_lock_fini(&lock), UV_EBUSY);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_lock_fini(&lock), 0);
}

static asyncio_task_t *to_cancel;

static int
cancel_and_release(void *arg)
{
    (void) arg;
    asyncio_task_cancel(to_cancel);
    assert_r(asyncio_lock_release(&lock), 0);
    return 0;
}

/* parity: test_locks.py LockTests test_cancel_release_race */
BEHAVIOUR(a_lock_released_while_its_first_waiter_is_cancelled_goes_to_the_next)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *a = START(take_lock, .lock = &lock, .letter = 'a');
    asyncio_task_t *b = START(take_lock, .lock = &lock, .letter = 'b');
    asyncio_task_t *c = START(take_lock, .lock = &lock, .letter = 'c');
    passes(1);
    to_cancel = a;
    assert_r(asyncio_loop_call_soon(asyncio_get_running_loop(),
                                    cancel_and_release, NULL),
             0);
    passes(4);
    assert_trace("b");
    ck_assert(asyncio_lock_locked(&lock));
    ck_assert(!asyncio_task_done(c));
    assert_r(finish(a), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(b), 0);
    assert_r(end_by_cancel(c), ASYNCIO_ERR_CANCELLED);
}

BEHAVIOUR(a_waiter_cancelled_after_its_wake_up_passes_it_on)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    asyncio_task_t *a = START(take_lock, .lock = &lock, .letter = 'a');
    asyncio_task_t *b = START(take_lock, .lock = &lock, .letter = 'b');
    passes(1);
    assert_r(asyncio_lock_release(&lock), 0);
    asyncio_task_cancel(a);
    passes(1);
    assert_r(finish(a), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(b), 0);
    assert_trace("b");
}

/* parity: test_locks.py LockTests test_release_not_acquired */
PLAIN(a_lock_that_is_not_locked_cannot_be_released)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_release(&lock), ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(newest_message(), "Lock is not acquired.");
}

/* parity: test_locks.py LockTests test_release_no_waiters */
BEHAVIOUR(a_lock_without_waiters_is_free_once_released)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    ck_assert(asyncio_lock_locked(&lock));
    assert_r(asyncio_lock_release(&lock), 0);
    ck_assert(!asyncio_lock_locked(&lock));
}

/* parity: test_locks.py LockTests test_context_manager */
BEHAVIOUR(a_lock_is_taken_between_acquire_and_release)
{
    asyncio_lock_init(&lock);
    ck_assert(!asyncio_lock_locked(&lock));
    assert_r(asyncio_lock_acquire(&lock), 0);
    ck_assert(asyncio_lock_locked(&lock));
    assert_r(asyncio_sleep(1), 0);
    ck_assert(asyncio_lock_locked(&lock));
    assert_r(asyncio_lock_release(&lock), 0);
    ck_assert(!asyncio_lock_locked(&lock));
}

/* parity: test_pep492.py LockTests test_context_manager_async_with */
BEHAVIOUR(whatever_can_be_acquired_is_locked_until_it_is_released)
{
    asyncio_condition_t condition;
    asyncio_semaphore_t semaphore;
    asyncio_bounded_semaphore_t bounded;

    asyncio_lock_init(&lock);
    asyncio_condition_init(&condition, NULL);
    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_bounded_semaphore_init(&bounded, 1), 0);
    assert_r(asyncio_lock_acquire(&lock), 0);
    assert_r(asyncio_condition_acquire(&condition), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    assert_r(asyncio_semaphore_acquire(&bounded), 0);
    ck_assert(asyncio_lock_locked(&lock));
    ck_assert(asyncio_condition_locked(&condition));
    ck_assert(asyncio_semaphore_locked(&semaphore));
    ck_assert(asyncio_semaphore_locked(&bounded));
    assert_r(asyncio_lock_release(&lock), 0);
    assert_r(asyncio_condition_release(&condition), 0);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_bounded_semaphore_release(&bounded), 0);
    ck_assert(!asyncio_lock_locked(&lock));
    ck_assert(!asyncio_condition_locked(&condition));
    ck_assert(!asyncio_semaphore_locked(&semaphore));
    ck_assert(!asyncio_semaphore_locked(&bounded));
}

PLAIN(a_free_lock_needs_no_loop)
{
    asyncio_lock_init(&lock);
    assert_r(asyncio_lock_acquire(&lock), 0);
    assert_r(asyncio_lock_acquire(&lock), ASYNCIO_ERR_NO_RUNNING_LOOP);
    assert_r(asyncio_lock_release(&lock), 0);
}
