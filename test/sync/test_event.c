/* SPDX-License-Identifier: MIT */
#include "actors.h"

static asyncio_event_t event;

/* parity: test_locks.py EventTests test_repr */
BEHAVIOUR(an_event_describes_its_state_and_its_waiters)
{
    char text[64];

    asyncio_event_init(&event);
    asyncio_event_repr(&event, text, sizeof text);
    ck_assert_str_eq(text, "<Event [unset]>");
    asyncio_task_t *task = START(await_event, .event = &event, .letter = 'a');
    passes(1);
    asyncio_event_repr(&event, text, sizeof text);
    ck_assert_str_eq(text, "<Event [unset, waiters:1]>");
    asyncio_event_set(&event);
    assert_r(finish(task), 0);
    asyncio_event_repr(&event, text, sizeof text);
    ck_assert_str_eq(text, "<Event [set]>");
}

/* parity: test_locks.py EventTests test_wait */
BEHAVIOUR(who_comes_after_set_passes_before_those_it_wakes)
{
    asyncio_event_init(&event);
    asyncio_task_t *first = START(await_event, .event = &event, .letter = '1');
    asyncio_task_t *second = START(await_event, .event = &event, .letter = '2');
    passes(1);
    assert_trace("");
    asyncio_task_t *third = START(await_event, .event = &event, .letter = '3');
    asyncio_event_set(&event);
    passes(1);
    assert_trace("312");
    assert_r(finish(first), 0);
    assert_r(finish(second), 0);
    assert_r(finish(third), 0);
    assert_r(asyncio_event_fini(&event), 0);
}

/* parity: test_locks.py EventTests test_wait_on_set */
BEHAVIOUR(waiting_for_an_event_that_is_set_does_not_suspend)
{
    asyncio_event_init(&event);
    asyncio_event_set(&event);
    assert_r(call_trace("x"), 0);
    assert_r(asyncio_event_wait(&event), 0);
    assert_trace("");
    passes(1);
}

/* parity: test_locks.py EventTests test_wait_cancel */
BEHAVIOUR(a_cancelled_wait_for_an_event_leaves_no_waiter)
{
    asyncio_event_init(&event);
    asyncio_task_t *task = START(await_event, .event = &event, .letter = 'a');
    passes(1);
    assert_r(asyncio_event_fini(&event), UV_EBUSY);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_event_fini(&event), 0);
}

/* parity: test_locks.py EventTests test_clear */
PLAIN(a_cleared_event_is_not_set)
{
    asyncio_event_init(&event);
    ck_assert(!asyncio_event_is_set(&event));
    asyncio_event_set(&event);
    ck_assert(asyncio_event_is_set(&event));
    asyncio_event_clear(&event);
    ck_assert(!asyncio_event_is_set(&event));
}

/* parity: test_locks.py EventTests test_clear_with_waiters */
BEHAVIOUR(a_wake_up_is_not_lost_by_clear_and_comes_once)
{
    asyncio_event_init(&event);
    asyncio_task_t *task = START(await_event, .event = &event, .letter = 'a');
    passes(1);
    asyncio_event_set(&event);
    asyncio_event_clear(&event);
    ck_assert(!asyncio_event_is_set(&event));
    asyncio_event_set(&event);
    asyncio_event_set(&event);
    passes(1);
    assert_trace("a");
    assert_r(finish(task), 0);
    assert_r(asyncio_event_fini(&event), 0);
}

BEHAVIOUR(waking_from_an_event_costs_one_pass)
{
    asyncio_event_init(&event);
    asyncio_task_t *task = START(await_event, .event = &event, .letter = 'a');
    passes(1);
    assert_r(call_trace("1"), 0);
    asyncio_event_set(&event);
    assert_r(call_trace("2"), 0);
    passes(1);
    assert_trace("1a2");
    assert_r(finish(task), 0);
}

BEHAVIOUR(waiting_for_an_event_allocates_nothing)
{
    asyncio_event_init(&event);
    asyncio_task_t *task = START(await_event, .event = &event, .letter = 'a');
    passes(1);
    asyncio_testing_fail_alloc(1, true);
    asyncio_event_set(&event);
    assert_r(asyncio_sleep(0), 0);
    asyncio_testing_fail_alloc(0, false);
    assert_trace("a");
    assert_r(finish(task), 0);
}
