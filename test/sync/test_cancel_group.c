/* SPDX-License-Identifier: MIT */
/*
 * Barriers, iterations over futures, and races, cancelled before every step.
 */
#include "play.h"

#include <uv.h>

/* --- barriers --------------------------------------------------------------- */

static void
begin_barrier(void *arg)
{
    assert_r(asyncio_barrier_init(arg, 3), 0);
}

static void
end_barrier(void *arg)
{
    asyncio_barrier_t *barrier = arg;

    ck_assert_int_eq(barrier->count, 0);
    ck_assert(!asyncio_condition_locked(&barrier->condition));
    assert_r(asyncio_barrier_fini(barrier), 0);
}

static int
meet_twice(void *arg)
{
    asyncio_barrier_t *barrier = ((struct part *) arg)->state;

    for (int i = 0; i < 2; i++) {
        int r = asyncio_barrier_wait(barrier);

        if (r < 0)
            return r;
        ck_assert_int_lt(r, 3);
    }
    return 0;
}

PLAIN(a_barrier_is_empty_afterwards_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(asyncio_barrier_t),
        .begin = begin_barrier,
        .end = end_barrier,
        .may_block = true, /* for one that never comes */
        .parts = {meet_twice, meet_twice, meet_twice}};

    cancel_everywhere(&play);
}

/* Whatever happens. */
static int
abort_later(void *arg)
{
    asyncio_barrier_t *barrier = ((struct part *) arg)->state;
    int cancelled = asyncio_sleep(1);
    int r;

    while ((r = asyncio_barrier_abort(barrier)) < 0)
        cancelled = r;
    return cancelled;
}

static int
meet_until_broken(void *arg)
{
    asyncio_barrier_t *barrier = ((struct part *) arg)->state;
    int r;

    do
        r = asyncio_barrier_wait(barrier);
    while (r >= 0 && (r = asyncio_sleep(0.5)) >= 0);
    return r == ASYNCIO_ERR_BROKEN_BARRIER ? 0 : r;
}

PLAIN(aborting_a_barrier_ends_all_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(asyncio_barrier_t),
        .begin = begin_barrier,
        .end = end_barrier,
        .parts = {meet_until_broken, meet_until_broken, meet_until_broken,
                  abort_later}};

    cancel_everywhere(&play);
}

/* Resets, and finally aborts, whatever happens. */
static int
reset_then_abort(void *arg)
{
    asyncio_barrier_t *barrier = ((struct part *) arg)->state;
    int cancelled = 0, r;

    for (int i = 0; i < 2; i++) {
        r = asyncio_sleep(1);
        if (r >= 0)
            r = asyncio_barrier_reset(barrier);
        if (r < 0)
            cancelled = r;
    }
    while ((r = asyncio_barrier_abort(barrier)) < 0)
        cancelled = r;
    return cancelled;
}

static int
meet_again(void *arg)
{
    asyncio_barrier_t *barrier = ((struct part *) arg)->state;
    int r = 0;

    while (!asyncio_barrier_broken(barrier)) {
        r = asyncio_barrier_wait(barrier);
        if (r < 0 && r != ASYNCIO_ERR_BROKEN_BARRIER)
            return r;
    }
    return 0;
}

PLAIN(resetting_a_barrier_frees_all_whoever_is_cancelled, .timeout = 60)
{
    static const struct play play = {
        .size = sizeof(asyncio_barrier_t),
        .begin = begin_barrier,
        .end = end_barrier,
        .parts = {meet_again, meet_again, reset_then_abort}};

    cancel_everywhere(&play);
}

/* --- as_completed ----------------------------------------------------------- */

struct nap {
    double seconds;
    int result;
};

static int
nap(void *arg)
{
    struct nap *self = arg;
    int r = asyncio_sleep(self->seconds);

    return r < 0 ? r : self->result;
}

/* The iterator goes first, then the tasks end. */
static int
iterate(double timeout, bool waiters)
{
    asyncio_task_t *tasks[3] = {
        asyncio_create_task(asyncio_coro(nap, .seconds = 1, .result = 1)),
        asyncio_create_task(asyncio_coro(nap, .seconds = 0, .result = 2)),
        asyncio_create_task(asyncio_coro(nap, .seconds = 2, .result = UV_EIO))};
    asyncio_as_completed_t *it =
        asyncio_as_completed(tasks, 3, .timeout = timeout);
    int n = 0, r;

    do {
        asyncio_coro_t waiter;

        if (!waiters) {
            r = asyncio_as_completed_next(it, NULL);
        } else {
            r = asyncio_as_completed_next_waiter(it, &waiter);
            if (r == 1)
                r = asyncio_await(waiter);
        }
        n++;
    } while (r != 0 && r != ASYNCIO_ERR_CANCELLED);
    ck_assert_int_le(n, 4);
    asyncio_as_completed_unref(it);
    for (int i = 0; i < 3; i++) {
        asyncio_task_cancel(tasks[i]);
        (void) asyncio_task_exception(tasks[i]);
    }
    asyncio_future_unref_array(tasks, 3);
    return r;
}

static int
iterate_all(void *arg)
{
    (void) arg;
    return iterate(0, false);
}

static int
iterate_with_timeout(void *arg)
{
    (void) arg;
    return iterate(1, false);
}

static int
iterate_waiters(void *arg)
{
    (void) arg;
    return iterate(1.5, true);
}

PLAIN(an_iteration_over_futures_can_be_cancelled_anywhere, .timeout = 60)
{
    static const struct play play = {.parts = {iterate_all, iterate_all}};

    cancel_everywhere(&play);
}

PLAIN(an_iteration_with_a_timeout_can_be_cancelled_anywhere, .timeout = 60)
{
    static const struct play play = {
        .parts = {iterate_with_timeout, iterate_with_timeout}};

    cancel_everywhere(&play);
}

PLAIN(an_iteration_over_waiters_can_be_cancelled_anywhere, .timeout = 60)
{
    static const struct play play = {
        .parts = {iterate_waiters, iterate_waiters}};

    cancel_everywhere(&play);
}

/* --- races ------------------------------------------------------------------ */

/* Each candidate counts itself while it runs: none may outlive the race. */
struct candidate {
    int *running;
    double seconds;
    double cleanup; /* when cancelled */
    int result;
};

static int
candidate(void *arg)
{
    struct candidate *self = arg;
    int r;

    ++*self->running;
    r = asyncio_sleep(self->seconds);
    if (r < 0 && self->cleanup > 0 && asyncio_sleep(self->cleanup) < 0)
        r = ASYNCIO_ERR_CANCELLED;
    --*self->running;
    return r < 0 ? r : self->result;
}

static int
race(double delay, int last)
{
    int running = 0;
    asyncio_coro_t coros[3] = {
        asyncio_coro(candidate, .running = &running, .seconds = 3,
                     .cleanup = 1),
        asyncio_coro(candidate, .running = &running, .result = UV_EIO),
        asyncio_coro(candidate, .running = &running, .seconds = 1,
                     .result = last)};
    int r = asyncio_staggered_race(coros, 3, delay);

    ck_assert_int_eq(running, 0);
    return r < 0 ? r : 0;
}

static int
race_to_win(void *arg)
{
    (void) arg;
    return race(0.5, 0);
}

static int
race_at_once(void *arg)
{
    (void) arg;
    return race(0, UV_EIO);
}

PLAIN(no_candidate_outlives_a_race_that_is_cancelled_anywhere,
      .timeout = 60)
{
    static const struct play play = {.parts = {race_to_win, race_to_win}};

    cancel_everywhere(&play);
}

PLAIN(no_candidate_outlives_a_race_of_all_that_is_cancelled_anywhere,
      .timeout = 60)
{
    static const struct play play = {.parts = {race_at_once}};

    cancel_everywhere(&play);
}
