/* SPDX-License-Identifier: MIT */
#include "actors.h"

static asyncio_semaphore_t semaphore;

static asyncio_task_t *
taker(char letter)
{
    return START(take_permit, .semaphore = &semaphore, .letter = letter);
}

/* parity: test_locks.py SemaphoreTests test_repr */
BEHAVIOUR(a_semaphore_describes_its_state_and_its_waiters)
{
    char text[64];

    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    asyncio_semaphore_repr(&semaphore, text, sizeof text);
    ck_assert_str_eq(text, "<Semaphore [unlocked, value:1]>");
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    asyncio_semaphore_repr(&semaphore, text, sizeof text);
    ck_assert_str_eq(text, "<Semaphore [locked]>");
    asyncio_task_t *task = taker('a');
    passes(1);
    asyncio_semaphore_repr(&semaphore, text, sizeof text);
    ck_assert_str_eq(text, "<Semaphore [locked, waiters:1]>");
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_bounded_semaphore_init(&semaphore, 2), 0);
    asyncio_semaphore_repr(&semaphore, text, sizeof text);
    ck_assert_str_eq(text, "<BoundedSemaphore [unlocked, value:2]>");
}

/* parity: test_locks.py SemaphoreTests test_semaphore_value */
PLAIN(a_semaphore_has_at_least_no_permits)
{
    assert_r(asyncio_semaphore_init(&semaphore, -1), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(newest_message(),
                     "Semaphore initial value must be >= 0");
    ck_assert(asyncio_semaphore_locked(&semaphore));
    assert_r(asyncio_bounded_semaphore_init(&semaphore, -1),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_semaphore_init(&semaphore, 0), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire */
BEHAVIOUR(permits_are_taken_in_order)
{
    assert_r(asyncio_semaphore_init(&semaphore, 3), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    ck_assert(!asyncio_semaphore_locked(&semaphore));
    asyncio_task_t *tasks[4] = {taker('1'), taker('2'), taker('3'), NULL};
    passes(1);
    assert_trace("1");
    ck_assert(asyncio_semaphore_locked(&semaphore));
    tasks[3] = taker('4');
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    passes(1);
    assert_trace("123");
    ck_assert(!asyncio_task_done(tasks[3]));
    for (int i = 0; i < 3; i++)
        assert_r(finish(tasks[i]), 0);
    assert_r(asyncio_semaphore_fini(&semaphore), UV_EBUSY);
    assert_r(end_by_cancel(tasks[3]), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_semaphore_fini(&semaphore), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire_cancel */
BEHAVIOUR(a_cancelled_acquire_of_a_permit_leaves_no_waiter)
{
    assert_r(asyncio_semaphore_init(&semaphore, 0), 0);
    asyncio_task_t *task = taker('a');
    passes(1);
    asyncio_task_cancel(task);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    ck_assert(!asyncio_semaphore_locked(&semaphore));
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_semaphore_fini(&semaphore), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire_hang */
BEHAVIOUR(a_release_next_to_a_cancellation_serves_the_second_waiter)
{
    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    asyncio_task_t *a = taker('a');
    asyncio_task_t *b = taker('b');
    passes(1);
    asyncio_task_cancel(a);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    passes(1);
    assert_trace("b");
    ck_assert(asyncio_semaphore_locked(&semaphore));
    assert_r(finish(a), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(b), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire_no_hang */
BEHAVIOUR(a_permit_given_to_who_is_cancelled_comes_back)
{
    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    asyncio_task_t *a = taker('a');
    passes(1);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    asyncio_task_cancel(a);
    assert_r(finish(a), ASYNCIO_ERR_CANCELLED);
    struct take_permit frame = {.semaphore = &semaphore, .letter = 'b'};
    assert_r(asyncio_wait_for(asyncio_coro_at(take_permit, &frame), 1), 0);
    assert_trace("b");
}

/* parity: test_locks.py SemaphoreTests test_release_no_waiters */
BEHAVIOUR(a_semaphore_without_waiters_is_free_once_released)
{
    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    ck_assert(asyncio_semaphore_locked(&semaphore));
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    ck_assert(!asyncio_semaphore_locked(&semaphore));
}

/* parity: test_locks.py SemaphoreTests test_acquire_fifo_order */
BEHAVIOUR(who_releases_a_permit_cannot_take_it_again_before_others)
{
    asyncio_task_t *tasks[3];

    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    for (int i = 0; i < 3; i++)
        tasks[i] = START(take_permit, .semaphore = &semaphore,
                         .letter = "123"[i], .times = 2);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    passes(1);
    for (int i = 0; i < 6; i++) {
        assert_r(asyncio_semaphore_release(&semaphore), 0);
        passes(2);
    }
    assert_trace("123123");
    for (int i = 0; i < 3; i++)
        assert_r(finish(tasks[i]), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire_fifo_order_2 */
BEHAVIOUR(who_takes_a_permit_again_goes_behind_those_who_wait)
{
    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    trace('1');
    asyncio_task_t *second = START(take_permit, .semaphore = &semaphore,
                                   .letter = '2', .give = true);
    passes(1);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    trace('3');
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    trace('4');
    assert_trace("1234");
    assert_r(finish(second), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire_fifo_order_3 */
BEHAVIOUR(two_releases_skip_a_cancelled_waiter)
{
    assert_r(asyncio_semaphore_init(&semaphore, 0), 0);
    asyncio_task_t *tasks[3] = {taker('1'), taker('2'), taker('3')};
    passes(1);
    asyncio_task_cancel(tasks[0]);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    passes(2);
    assert_trace("23");
    assert_r(finish(tasks[0]), ASYNCIO_ERR_CANCELLED);
    assert_r(finish(tasks[1]), 0);
    assert_r(finish(tasks[2]), 0);
}

/* parity: test_locks.py SemaphoreTests test_acquire_fifo_order_4 */
BEHAVIOUR(a_newcomer_waits_behind_others_though_there_are_permits)
{
    assert_r(asyncio_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    asyncio_task_t *first = taker('1');
    passes(1);
    asyncio_task_t *late = taker('4');
    /* Both are free, but the first is only about to take its one. */
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(semaphore.value, 1);
    ck_assert(asyncio_semaphore_locked(&semaphore));
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    trace('2');
    assert_trace("12");
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    passes(2);
    assert_trace("124");
    assert_r(finish(first), 0);
    assert_r(finish(late), 0);
}

PLAIN(a_bounded_semaphore_takes_no_permit_it_has_not_given)
{
    assert_r(asyncio_bounded_semaphore_init(&semaphore, 1), 0);
    assert_r(asyncio_bounded_semaphore_release(&semaphore),
             ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(newest_message(),
                     "BoundedSemaphore released too many times");
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    assert_r(asyncio_bounded_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_release(&semaphore), ASYNCIO_ERR_VALUE);
}

PLAIN(a_semaphore_can_have_more_permits_than_at_first)
{
    assert_r(asyncio_semaphore_init(&semaphore, 0), 0);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_release(&semaphore), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
    assert_r(asyncio_semaphore_acquire(&semaphore), 0);
}
