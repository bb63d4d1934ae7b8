/* SPDX-License-Identifier: MIT */
#include "actors.h"

#include <stdio.h>
#include <stdlib.h>

static asyncio_barrier_t barrier;

/* Waits `times` times, tracing the letter and the index of each round; what
 * it failed with is its result. */
struct meet {
    char letter;
    int times;
    int *indexes; /* or NULL */
    bool linger;  /* yields after each round */
};

static int
meet(void *arg)
{
    struct meet *self = arg;

    for (int i = 0; i == 0 || i < self->times; i++) {
        int r = asyncio_barrier_wait(&barrier);

        if (r < 0)
            return r;
        if (self->indexes != NULL)
            self->indexes[i] = r;
        trace(self->letter);
        if (self->linger)
            assert_r(asyncio_sleep(0), 0);
    }
    return 0;
}

static void
meet_all(asyncio_task_t **tasks, int n, int times)
{
    for (int i = 0; i < n; i++)
        tasks[i] = START(meet, .letter = (char) ('a' + i), .times = times);
}

static void
finish_all(asyncio_task_t **tasks, int n, int r)
{
    for (int i = 0; i < n; i++)
        assert_r(finish(tasks[i]), r);
}

static void
assert_repr(const char *expected)
{
    char text[64];

    asyncio_barrier_repr(&barrier, text, sizeof text);
    ck_assert_str_eq(text, expected);
}

/* parity: test_locks.py BarrierTests test_repr */
BEHAVIOUR(a_barrier_describes_its_state)
{
    asyncio_task_t *tasks[2];

    assert_r(asyncio_barrier_init(&barrier, 3), 0);
    assert_repr("<Barrier [filling, waiters:0/3]>");
    meet_all(tasks, 2, 1);
    passes(1);
    assert_repr("<Barrier [filling, waiters:2/3]>");
    assert_r(asyncio_barrier_reset(&barrier), 0);
    assert_repr("<Barrier [resetting, waiters:0/3]>");
    finish_all(tasks, 2, ASYNCIO_ERR_BROKEN_BARRIER);
    meet_all(tasks, 2, 1);
    passes(1);
    assert_r(asyncio_barrier_wait(&barrier), 2);
    assert_repr("<Barrier [draining, waiters:0/3]>");
    finish_all(tasks, 2, 0);
    assert_r(asyncio_barrier_abort(&barrier), 0);
    assert_repr("<Barrier [broken]>");
}

/* parity: test_locks.py BarrierTests test_barrier_parties */
PLAIN(a_barrier_is_for_at_least_one)
{
    assert_r(asyncio_barrier_init(&barrier, 0), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(newest_message(), "parties must be >= 1");
    ck_assert(asyncio_barrier_broken(&barrier));
    assert_r(asyncio_barrier_init(&barrier, -4), ASYNCIO_ERR_VALUE);
    assert_r(asyncio_barrier_init(&barrier, 4), 0);
    ck_assert_int_eq(asyncio_barrier_parties(&barrier), 4);
}

/* parity: test_locks.py BarrierTests test_filling_one_task */
BEHAVIOUR(a_barrier_for_one_lets_it_pass)
{
    assert_r(asyncio_barrier_init(&barrier, 1), 0);
    assert_r(call_trace("x"), 0);
    assert_r(asyncio_barrier_wait(&barrier), 0);
    assert_trace("");
    ck_assert(!asyncio_barrier_broken(&barrier));
    passes(1);
}

/* parity: test_locks.py BarrierTests test_filling_one_task_twice */
BEHAVIOUR(each_round_of_a_barrier_begins_at_index_0)
{
    assert_r(asyncio_barrier_init(&barrier, 1), 0);
    assert_r(asyncio_barrier_wait(&barrier), 0);
    assert_r(asyncio_barrier_wait(&barrier), 0);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_filling_task_by_task */
BEHAVIOUR(a_barrier_counts_who_waits_until_the_last_has_come)
{
    asyncio_task_t *tasks[3];

    assert_r(asyncio_barrier_init(&barrier, 3), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), i);
        tasks[i] = START(meet, .letter = 'm');
        assert_trace("");
        passes(1);
    }
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
    finish_all(tasks, 3, 0);
    assert_trace("mmm");
    assert_r(asyncio_barrier_fini(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_filling_tasks_wait_twice */
BEHAVIOUR(the_same_tasks_can_meet_twice)
{
    asyncio_task_t *tasks[5];
    int firsts = 0;

    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    meet_all(tasks, 5, 2);
    finish_all(tasks, 5, 0);
    ck_assert_uint_eq(strlen(traced()), 10);
    for (const char *c = "abcde"; *c != '\0'; c++) {
        const char *first = strchr(traced(), *c);

        firsts += first < traced() + 5;
        ck_assert_ptr_nonnull(strchr(first + 1, *c));
    }
    ck_assert_int_eq(firsts, 5);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_filling_tasks_check_return_value */
BEHAVIOUR(the_indexes_of_a_round_are_all_different)
{
    asyncio_task_t *tasks[5];
    int indexes[5][2];

    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    for (int i = 0; i < 5; i++)
        tasks[i] = START(meet, .letter = 'm', .times = 2,
                         .indexes = indexes[i]);
    finish_all(tasks, 5, 0);
    for (int round = 0; round < 2; round++) {
        int seen = 0;

        for (int i = 0; i < 5; i++)
            seen |= 1 << indexes[i][round];
        ck_assert_int_eq(seen, 0x1f);
    }
    ck_assert_int_eq(indexes[0][0], 0);
    ck_assert_int_eq(indexes[4][0], 4);
}

static int draining;

static int
look_at_state(void *arg)
{
    int r = asyncio_barrier_wait(&barrier);

    (void) arg;
    if (r >= 0) {
        char text[64];

        asyncio_barrier_repr(&barrier, text, sizeof text);
        draining += strstr(text, "draining") != NULL;
        trace(strstr(text, "draining") != NULL ? 'd' : 'f');
    }
    return r < 0 ? r : 0;
}

/* parity: test_locks.py BarrierTests test_draining_state */
BEHAVIOUR(a_barrier_drains_until_the_last_has_left)
{
    asyncio_task_t *tasks[5];

    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    for (int i = 0; i < 5; i++)
        tasks[i] = START(look_at_state);
    finish_all(tasks, 5, 0);
    assert_trace("ddddf");
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_blocking_tasks_while_draining */
BEHAVIOUR(who_comes_back_while_others_leave_waits_for_the_next_round)
{
    asyncio_task_t *tasks[4];

    assert_r(asyncio_barrier_init(&barrier, 2), 0);
    meet_all(tasks, 4, 3);
    finish_all(tasks, 4, 0);
    ck_assert_uint_eq(strlen(traced()), 12);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
    assert_repr("<Barrier [filling, waiters:0/2]>");
}

/* parity: test_locks.py BarrierTests test_reset_barrier */
BEHAVIOUR(resetting_an_empty_barrier_changes_nothing)
{
    assert_r(asyncio_barrier_init(&barrier, 1), 0);
    assert_r(asyncio_barrier_reset(&barrier), 0);
    ck_assert(!asyncio_barrier_broken(&barrier));
    assert_r(asyncio_barrier_wait(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_reset_barrier_while_tasks_waiting */
BEHAVIOUR(resetting_a_barrier_breaks_those_that_wait)
{
    asyncio_task_t *tasks[4];

    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    meet_all(tasks, 4, 1);
    passes(1);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 4);
    assert_r(asyncio_barrier_reset(&barrier), 0);
    finish_all(tasks, 4, ASYNCIO_ERR_BROKEN_BARRIER);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
    ck_assert(!asyncio_barrier_broken(&barrier));
    meet_all(tasks, 4, 1);
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_barrier_wait(&barrier), 4);
    finish_all(tasks, 4, 0);
}

/* The first one to leave breaks or resets it. */
static int
meet_then_change(void *arg)
{
    int (**change)(asyncio_barrier_t *) = arg;
    int r = asyncio_barrier_wait(&barrier);

    if (r < 0)
        return r;
    trace('m');
    return (*change)(&barrier);
}

/* Two tasks that leave, the first of which changes the barrier, and two that
 * have come meanwhile. */
static void
leave_and_change(int (*change)(asyncio_barrier_t *), asyncio_task_t **blocked)
{
    asyncio_task_t *leaving[3];

    assert_r(asyncio_barrier_init(&barrier, 4), 0);
    for (int i = 0; i < 3; i++)
        leaving[i] = asyncio_create_task(
            asyncio_coro_new(meet_then_change, &change, sizeof change));
    passes(1);
    assert_r(asyncio_barrier_wait(&barrier), 3);
    for (int i = 0; blocked != NULL && i < 2; i++)
        blocked[i] = asyncio_create_task(asyncio_coro(meet, .letter = 'b'),
                                         .eager_start = true);
    assert_r(finish(leaving[0]), 0);
    finish_all(leaving + 1, 2, ASYNCIO_ERR_BROKEN_BARRIER);
    assert_trace("m");
}

/* parity: test_locks.py BarrierTests test_reset_barrier_when_tasks_half_draining */
BEHAVIOUR(resetting_a_barrier_breaks_those_that_have_not_left)
{
    leave_and_change(asyncio_barrier_reset, NULL);
    ck_assert(!asyncio_barrier_broken(&barrier));
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_reset_barrier_when_tasks_half_draining_half_blocking */
BEHAVIOUR(resetting_a_barrier_lets_those_in_that_wait_for_the_next_round)
{
    asyncio_task_t *blocked[2], *more;

    leave_and_change(asyncio_barrier_reset, blocked);
    passes(2);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 2);
    more = START(meet, .letter = 'n');
    passes(1);
    assert_r(asyncio_barrier_wait(&barrier), 3);
    finish_all(blocked, 2, 0);
    assert_r(finish(more), 0);
    assert_trace("mbbn");
}

static int
meet_until_it_holds(void *arg)
{
    int r;

    (void) arg;
    r = asyncio_barrier_wait(&barrier);
    if (r == ASYNCIO_ERR_BROKEN_BARRIER) {
        trace('b');
        r = asyncio_barrier_wait(&barrier);
    }
    return r < 0 ? r : 0;
}

/* parity: test_locks.py BarrierTests test_reset_barrier_while_tasks_waiting_and_waiting_again */
BEHAVIOUR(who_is_broken_by_a_reset_can_meet_again)
{
    asyncio_task_t *tasks[4];

    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    for (int i = 0; i < 4; i++)
        tasks[i] = START(meet_until_it_holds);
    passes(1);
    assert_r(asyncio_barrier_reset(&barrier), 0);
    passes(5);
    assert_trace("bbbb");
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 4);
    assert_r(asyncio_barrier_wait(&barrier), 4);
    finish_all(tasks, 4, 0);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
}

static int rests;

static int
meet_then_last_resets(void *arg)
{
    int r = asyncio_barrier_wait(&barrier);

    (void) arg;
    if (r < 0)
        return r;
    if (--rests == 0)
        assert_r(asyncio_barrier_reset(&barrier), 0);
    return asyncio_barrier_wait(&barrier) < 0 ? UV_EIO : 0;
}

/* parity: test_locks.py BarrierTests test_reset_barrier_while_tasks_draining */
BEHAVIOUR(a_reset_by_the_last_to_leave_breaks_nobody)
{
    asyncio_task_t *tasks[5];

    rests = 5;
    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    for (int i = 0; i < 5; i++)
        tasks[i] = START(meet_then_last_resets);
    finish_all(tasks, 5, 0);
    ck_assert(!asyncio_barrier_broken(&barrier));
}

/* parity: test_locks.py BarrierTests test_abort_barrier */
BEHAVIOUR(an_aborted_barrier_is_broken)
{
    asyncio_task_t *tasks[2];

    assert_r(asyncio_barrier_init(&barrier, 3), 0);
    meet_all(tasks, 2, 1);
    passes(1);
    assert_r(asyncio_barrier_abort(&barrier), 0);
    ck_assert(asyncio_barrier_broken(&barrier));
    finish_all(tasks, 2, ASYNCIO_ERR_BROKEN_BARRIER);
    assert_r(asyncio_barrier_wait(&barrier), ASYNCIO_ERR_BROKEN_BARRIER);
    ck_assert_str_eq(newest_message(), "Barrier aborted");
}

/* parity: test_locks.py BarrierTests test_abort_barrier_when_tasks_half_draining_half_blocking */
BEHAVIOUR(aborting_a_barrier_breaks_those_that_leave_and_those_that_wait)
{
    asyncio_task_t *blocked[2];

    leave_and_change(asyncio_barrier_abort, blocked);
    finish_all(blocked, 2, ASYNCIO_ERR_BROKEN_BARRIER);
    ck_assert(asyncio_barrier_broken(&barrier));
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 0);
}

/* parity: test_locks.py BarrierTests test_abort_barrier_when_exception_then_resetting */
BEHAVIOUR(an_aborted_barrier_works_again_once_reset)
{
    asyncio_task_t *tasks[4];

    assert_r(asyncio_barrier_init(&barrier, 5), 0);
    meet_all(tasks, 4, 1);
    passes(1);
    assert_r(asyncio_barrier_abort(&barrier), 0);
    finish_all(tasks, 4, ASYNCIO_ERR_BROKEN_BARRIER);
    assert_r(asyncio_barrier_reset(&barrier), 0);
    ck_assert(!asyncio_barrier_broken(&barrier));
    meet_all(tasks, 4, 1);
    passes(1);
    assert_r(asyncio_barrier_wait(&barrier), 4);
    finish_all(tasks, 4, 0);
}

BEHAVIOUR(a_task_cancelled_at_a_barrier_just_leaves)
{
    asyncio_task_t *tasks[2];

    assert_r(asyncio_barrier_init(&barrier, 3), 0);
    meet_all(tasks, 2, 1);
    passes(1);
    assert_r(end_by_cancel(tasks[0]), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(asyncio_barrier_n_waiting(&barrier), 1);
    ck_assert(!asyncio_barrier_broken(&barrier));
    assert_r(asyncio_barrier_fini(&barrier), UV_EBUSY);
    assert_r(end_by_cancel(tasks[1]), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_barrier_fini(&barrier), 0);
}
