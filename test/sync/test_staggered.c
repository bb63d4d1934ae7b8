/* SPDX-License-Identifier: MIT */
#include "actors.h"

static int errors[4];
static size_t started;

#define RACE(coros, count, delay) \
    asyncio_staggered_race((coros), (count), (delay), .ret_errors = errors, \
                           .ret_started = &started)

/* parity: test_staggered.py StaggeredTests test_empty */
BEHAVIOUR(a_race_without_candidates_has_no_winner)
{
    const asyncio_exception_t *group;

    assert_r(RACE(NULL, 0, ASYNCIO_NO_TIMEOUT), ASYNCIO_ERR_EXCEPTION_GROUP);
    group = asyncio_current_exception();
    ck_assert_uint_eq(asyncio_error_group_count(group), 0);
    ck_assert_uint_eq(started, 0);
}

/* parity: test_staggered.py StaggeredTests test_one_successful */
BEHAVIOUR(the_first_candidate_wins_and_the_second_never_starts)
{
    asyncio_coro_t coros[2] = {asyncio_coro(nap, .letter = 'a', .result = 5),
                               asyncio_coro(nap, .letter = 'b')};

    errors[0] = 1;
    assert_r(RACE(coros, 2, ASYNCIO_NO_TIMEOUT), 0);
    ck_assert_uint_eq(started, 1);
    ck_assert_int_eq(errors[0], 0);
    assert_trace("a");
}

/* parity: test_staggered.py StaggeredTests test_first_error_second_successful */
BEHAVIOUR(the_second_candidate_starts_when_the_first_fails)
{
    asyncio_coro_t coros[2] = {
        asyncio_coro(nap, .letter = 'a', .result = UV_EIO),
        asyncio_coro(nap, .letter = 'b')};

    assert_r(RACE(coros, 2, ASYNCIO_NO_TIMEOUT), 1);
    ck_assert_uint_eq(started, 2);
    ck_assert_int_eq(errors[0], UV_EIO);
    ck_assert_int_eq(errors[1], 0);
    assert_trace("ab");
}

/* parity: test_staggered.py StaggeredTests test_first_timeout_second_successful */
BEHAVIOUR(the_second_candidate_starts_after_the_delay)
{
    asyncio_coro_t coros[2] = {asyncio_coro(nap, .seconds = 9, .letter = 'a'),
                               asyncio_coro(nap, .letter = 'b')};

    assert_r(RACE(coros, 2, 0.1), 1);
    ck_assert_int_eq(now_ms(), 100);
    ck_assert_uint_eq(started, 2);
    ck_assert_int_eq(errors[0], ASYNCIO_ERR_CANCELLED);
    assert_trace("b");
}

/* parity: test_staggered.py StaggeredTests test_none_successful */
BEHAVIOUR(a_race_that_nobody_wins_has_the_errors_of_all)
{
    asyncio_coro_t coros[3] = {
        asyncio_coro(nap, .seconds = 2, .result = UV_EIO),
        asyncio_coro(nap, .result = UV_EPIPE),
        asyncio_coro(nap, .result = UV_ENOENT)};
    const asyncio_exception_t *group;

    assert_r(RACE(coros, 3, 1), ASYNCIO_ERR_EXCEPTION_GROUP);
    group = asyncio_current_exception();
    ck_assert_uint_eq(asyncio_error_group_count(group), 3);
    ck_assert_uint_eq(started, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(
            asyncio_exception_code(asyncio_error_group_get(group, i)),
            errors[i]);
        ck_assert_int_eq(errors[i],
                         ((int[]){UV_EIO, UV_EPIPE, UV_ENOENT})[i]);
    }
}

static asyncio_event_t both;

static int
wait_for_both(void *arg)
{
    (void) arg;
    return asyncio_event_wait(&both);
}

static int
set_event(void *arg)
{
    asyncio_event_set(arg);
    return 0;
}

/* parity: test_staggered.py StaggeredTests test_multiple_winners */
BEHAVIOUR(of_two_that_are_ready_together_the_first_wins)
{
    asyncio_coro_t coros[2] = {asyncio_coro(wait_for_both),
                               asyncio_coro(wait_for_both)};

    asyncio_event_init(&both);
    assert_r(asyncio_loop_call_later(asyncio_get_running_loop(), 0.05,
                                     set_event, &both),
             0);
    assert_r(RACE(coros, 2, 0.01), 0);
    ck_assert_uint_eq(started, 2);
    ck_assert_int_eq(errors[0], 0);
    ck_assert_int_eq(errors[1], ASYNCIO_ERR_CANCELLED);
}

static int
stubborn_twice(void *arg)
{
    int *seen = arg;
    int r;

    for (;;) {
        r = asyncio_sleep(10);
        if (r == ASYNCIO_ERR_CANCELLED && ++*seen == 2)
            return r;
    }
}

static int seen;

static int
race_stubborn(void *arg)
{
    asyncio_coro_t coros[1] = {
        asyncio_coro_new(stubborn_twice, &seen, sizeof seen)};

    (void) arg;
    return asyncio_staggered_race(coros, 1, ASYNCIO_NO_TIMEOUT);
}

/* parity: test_staggered.py StaggeredTests test_cancelled */
BEHAVIOUR(each_cancellation_of_a_race_reaches_the_candidates)
{
    asyncio_task_t *task = START(race_stubborn);

    passes(3);
    asyncio_task_cancel(task, .message = "first");
    passes(3);
    ck_assert_int_eq(seen, 1);
    ck_assert(!asyncio_task_done(task));
    asyncio_task_cancel(task, .message = "second");
    assert_r(finish(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(seen, 2);
    ck_assert_str_eq(newest_message(), "second");
}

static int
race_with_cleanup(void *arg)
{
    asyncio_coro_t coros[1] = {
        asyncio_coro(stubborn, .seconds = 10, .cleanup = 2,
                     .answer = ASYNCIO_ERR_CANCELLED)};

    (void) arg;
    return asyncio_staggered_race(coros, 1, ASYNCIO_NO_TIMEOUT);
}

BEHAVIOUR(a_race_that_is_cancelled_waits_for_the_end_of_its_candidates)
{
    asyncio_task_t *task = START(race_with_cleanup);

    assert_r(asyncio_sleep(1), 0);
    assert_r(end_by_cancel(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 3000);
}

static void
use_eager_tasks(void)
{
    asyncio_loop_set_task_factory(asyncio_get_running_loop(),
                                  asyncio_eager_task_factory);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_staggered_race_with_eager_tasks */
BEHAVIOUR(a_race_of_eager_tasks_goes_the_same_way)
{
    asyncio_coro_t coros[3] = {
        asyncio_coro(nap, .seconds = 2, .letter = 'a'),
        asyncio_coro(nap, .seconds = 1, .letter = 'b'),
        asyncio_coro(nap, .result = UV_EIO, .letter = 'c')};

    use_eager_tasks();
    assert_r(RACE(coros, 3, 0.25), 1);
    ck_assert_uint_eq(started, 3);
    ck_assert_int_eq(errors[0], ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(errors[1], 0);
    ck_assert_int_eq(errors[2], UV_EIO);
    assert_trace("cb");
    ck_assert_int_eq(now_ms(), 1250);
}

/* parity: test_eager_task_factory.py EagerTaskFactoryLoopTests test_staggered_race_with_eager_tasks_no_delay */
BEHAVIOUR(a_race_of_eager_tasks_without_delay_starts_the_next_on_failure)
{
    asyncio_coro_t coros[3] = {
        asyncio_coro(nap, .result = UV_EIO, .letter = 'a'),
        asyncio_coro(nap, .seconds = 1, .letter = 'b'),
        asyncio_coro(nap, .letter = 'c')};

    use_eager_tasks();
    assert_r(RACE(coros, 3, ASYNCIO_NO_TIMEOUT), 1);
    ck_assert_uint_eq(started, 2);
    ck_assert_int_eq(errors[0], UV_EIO);
    ck_assert_int_eq(errors[1], 0);
    assert_trace("ab");
}

BEHAVIOUR(without_a_delay_all_candidates_start_at_once)
{
    asyncio_coro_t coros[3] = {asyncio_coro(nap, .seconds = 3, .letter = 'a'),
                               asyncio_coro(nap, .seconds = 2, .letter = 'b'),
                               asyncio_coro(nap, .seconds = 1, .letter = 'c')};

    assert_r(RACE(coros, 3, 0), 2);
    ck_assert_int_eq(now_ms(), 1000);
    assert_trace("c");
}

BEHAVIOUR(a_race_refuses_what_is_no_delay)
{
    assert_r(asyncio_staggered_race(NULL, 0, __builtin_nan("")), UV_EINVAL);
    assert_r(asyncio_staggered_race(NULL, 1, 0), UV_EINVAL);
}

SCENARIO(a_race_without_memory_ends_all_candidates)
{
    asyncio_coro_t coros[2] = {asyncio_coro(nap, .result = UV_EIO),
                               asyncio_coro(nap, .seconds = 1)};
    int r = asyncio_staggered_race(coros, 2, 0.5);

    return r < 0 ? r : 0;
}
