/* SPDX-License-Identifier: MIT */
/*
 * staggered_race: candidates that start one after the other; one wins.
 *
 * Each runner is a task that waits for its predecessor to fail, or for the
 * delay, takes the next candidate, makes the runner after itself, and then
 * runs its candidate on the frame that the caller owns: the race ends only
 * when all runners have. A runner may start only once the race knows it, which
 * matters when tasks are eager.
 *
 * Python counterpart: asyncio.staggered.
 */
#include "asyncio/staggered.h"

#include <math.h>

#include "asyncio/locks.h"
#include "base/alloc.h"
#include "sync/staggered.h"

struct race;

struct runner {
    struct aio__future_job job; /* when its task is done */
    struct race *race;
    asyncio_task_t *task;       /* a reference while it runs; else NULL */
    asyncio_event_t known;      /* the race has its task */
    asyncio_event_t failed;     /* its candidate has */
    asyncio_exception_t *exception; /* detail of its candidate's error */
    int error;                  /* its candidate's; 0 for none */
};

struct race {
    asyncio_loop_t *loop;
    const asyncio_coro_t *coros;
    size_t count;
    double delay;
    size_t started;             /* candidates */
    size_t running;             /* runners */
    struct aio__waiter *waiter; /* the caller, while it waits */
    size_t winner;              /* `count` for none */
    int broken;                 /* an error of a runner, not of a candidate */
    asyncio_exception_t *exception; /* its detail */
    struct runner runners[];    /* one more than candidates */
};

static size_t
size_of(size_t count)
{
    return sizeof(struct race) + (count + 1) * sizeof(struct runner);
}

static void
on_runner_done(struct aio__future_job *job, asyncio_future_t *future)
{
    struct runner *runner = aio__container_of(job, struct runner, job);
    struct race *race = runner->race;

    runner->task = asyncio_future_unref(runner->task);
    if (--race->running == 0 && race->waiter != NULL)
        aio__wake(race->waiter, 0);
    if (future->state == AIO__CANCELLED || future->status >= 0)
        return;
    future->unretrieved = false;
    if (race->broken == 0) {
        race->broken = future->status;
        race->exception = aio__future_detail(future);
    }
}

asyncio_future_t *
aio__staggered_awaiter(struct aio__future_cb *cb)
{
    struct aio__future_job *job = aio__future_job_of(cb, on_runner_done);

    if (job == NULL)
        return NULL;
    return aio__waiter_task(
        aio__container_of(job, struct runner, job)->race->waiter);
}

static int
wait_for_event(void *frame)
{
    asyncio_event_t **event = frame;

    return asyncio_event_wait(*event);
}

/* Until it is this runner's turn. */
static int
wait_for_turn(struct runner *self)
{
    asyncio_event_t *former_failed;
    int r;

    r = asyncio_event_wait(&self->known);
    if (r < 0 || self == self->race->runners)
        return r;
    former_failed = &(self - 1)->failed;
    r = asyncio_wait_for_coro(asyncio_coro_new(wait_for_event, &former_failed,
                                               sizeof former_failed),
                              self->race->delay);
    return r == ASYNCIO_ERR_TIMEOUT ? 0 : r;
}

static void
cancel_others(struct race *race, const struct runner *self,
              asyncio_exception_t *message)
{
    for (size_t i = 0; i <= race->count; i++) {
        struct runner *runner = &race->runners[i];

        if (runner != self && runner->task != NULL)
            aio__cancel(runner->task, message);
    }
}

static int start(struct race *race, size_t i);

static int
run_one(void *frame)
{
    struct runner *self = *(struct runner **) frame;
    struct race *race = self->race;
    const asyncio_coro_t *coro;
    size_t i = (size_t) (self - race->runners);
    int r;

    r = wait_for_turn(self);
    if (r < 0 || race->started == race->count)
        return r;
    race->started++;
    r = start(race, i + 1);
    if (r < 0)
        return r;
    coro = &race->coros[i];
    r = coro->fn != NULL ? coro->fn(coro->frame) : UV_EINVAL;
    if (r == ASYNCIO_ERR_INTERRUPTED || r == ASYNCIO_ERR_SYSTEM_EXIT)
        return r;
    if (r < 0) {
        self->error = r;
        self->exception = aio__raised(r);
        asyncio_event_set(&self->failed);
        return 0;
    }
    if (race->winner == race->count) { /* else it would not be cancelled */
        race->winner = i;
        cancel_others(race, self, NULL);
    }
    return 0;
}

static int
start(struct race *race, size_t i)
{
    struct runner *runner = &race->runners[i];
    asyncio_task_t *task;

    runner->race = race;
    asyncio_event_init(&runner->known);
    asyncio_event_init(&runner->failed);
    task = asyncio_loop_create_task(
        race->loop, asyncio_coro_new(run_one, &runner, sizeof runner), NULL);
    if (task->loop == NULL)
        return asyncio_future_result(task);
    runner->task = task;
    race->running++;
    aio__future_job_init(&runner->job, on_runner_done);
    aio__future_subscribe(task, &runner->job.cb);
    asyncio_event_set(&runner->known);
    return 0;
}

/* Until all have ended, however often that is cancelled; the last of those
 * cancellations. */
static int
wait_for_all(struct race *race, asyncio_exception_t **ret_message)
{
    struct aio__waiter waiter;
    int r, cancelled = 0;

    while (race->running > 0) {
        aio__waiter_init(&waiter, race->loop, NULL);
        race->waiter = &waiter;
        r = aio__wait(&waiter);
        race->waiter = NULL;
        if (r >= 0)
            continue;
        cancelled = r;
        aio__exception_unref(*ret_message);
        *ret_message = aio__raised(r);
        cancel_others(race, NULL, *ret_message);
    }
    return cancelled;
}

/* Nobody won. */
static int
raise_errors(struct race *race)
{
    asyncio_exception_t *group = aio__exception_new(
        ASYNCIO_ERR_EXCEPTION_GROUP, "no candidate of the race succeeded");

    for (size_t i = 0; group != NULL && i < race->started; i++) {
        struct runner *runner = &race->runners[i];

        if (runner->exception == NULL)
            runner->exception = aio__exception_new(runner->error, NULL);
        if (runner->exception != NULL
            && aio__exception_add(group, runner->exception) == 0)
            runner->exception = NULL;
    }
    return aio__raise_exception(ASYNCIO_ERR_EXCEPTION_GROUP, group);
}

static int
outcome(struct race *race, int cancelled, asyncio_exception_t *message)
{
    if (race->broken < 0) {
        asyncio_exception_t *exception = race->exception;

        aio__exception_unref(message);
        race->exception = NULL;
        return aio__raise_exception(race->broken, exception);
    }
    if (cancelled < 0)
        return aio__raise_exception(cancelled, message);
    return race->winner < race->count ? (int) race->winner
                                      : raise_errors(race);
}

static void
report_errors(const struct race *race,
              const asyncio_staggered_race_options_t *options)
{
    size_t *ret_started = aio__option(options, ret_started, NULL);
    int *ret_errors = aio__option(options, ret_errors, NULL);

    if (ret_started != NULL)
        *ret_started = race->started;
    for (size_t i = 0; ret_errors != NULL && i < race->started; i++)
        ret_errors[i] = race->runners[i].error;
}

int
asyncio_staggered_race(const asyncio_coro_t *coros, size_t count, double delay,
                       const asyncio_staggered_race_options_t *options)
{
    asyncio_exception_t *message = NULL;
    asyncio_loop_t *loop;
    struct race *race;
    int r;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (isnan(delay) || (coros == NULL && count > 0))
        return UV_EINVAL;
    race = aio__calloc(1, size_of(count));
    if (race == NULL)
        return UV_ENOMEM;
    race->loop = loop;
    race->coros = coros;
    race->count = race->winner = count;
    race->delay = delay;
    r = start(race, 0);
    if (r >= 0) {
        r = wait_for_all(race, &message);
        report_errors(race, options);
        r = outcome(race, r, message);
    }
    for (size_t i = 0; i < count; i++)
        aio__exception_unref(race->runners[i].exception);
    aio__exception_unref(race->exception);
    aio__free(race, size_of(count));
    return r;
}
