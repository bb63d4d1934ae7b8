/* SPDX-License-Identifier: MIT */
/*
 * Passes: how a loop runs.
 *
 * CPython's pass polls, appends the I/O callbacks and the due timers to what
 * is ready, and runs exactly that. The same order at a lower price: run what
 * is ready as it stands; poll, with the I/O callbacks running inline; fire
 * the timers that are due and were armed before this pass. What any of these
 * schedule runs in the next pass.
 *
 * While something is ready libuv is not asked in every pass, but at least
 * every 64 passes or 50 microseconds (a deviation from CPython that only I/O
 * can see). Reading the clock costs as much as several switches: while passes
 * are short and there are no timers it is read in every 16th pass only.
 */
#include <time.h>

#include "base/probe.h"
#include "loop/exception.h"
#include "loop/fiber.h"
#include "loop/poll.h"
#include "loop/report.h"

#define CREDIT 15             /* passes between two looks at the clock */
#define CLOCK_RESOLUTION 1e-9 /* seconds; timers may be early by this much */

/* Seconds that pass outside, also under a virtual clock. */
static double
real_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

double
aio__loop_now(asyncio_loop_t *loop)
{
    return loop->virtual_clock ? loop->virtual_now : real_now();
}

double
asyncio_loop_time(asyncio_loop_t *loop)
{
    return aio__loop_now(loop);
}

/* In a double the resolution vanishes beside a time of some months. */
aio__inline bool
is_due(double when, double now)
{
    return when <= now || when < now + CLOCK_RESOLUTION;
}

/* What became ready makes up the next pass, and what was armed counts. The
 * timers of a pass are those due when it begins: what becomes due while its
 * callbacks run comes after what they make ready, in the next pass. */
static void
begin_pass(asyncio_loop_t *loop)
{
    aio__inbox_drain(loop);
    aio__timerheap_merge(&loop->timers);
    aio__queue_append(&loop->now, &loop->ready);
    if (loop->timers.count > 0)
        loop->began = aio__loop_now(loop);
}

/* Timers of the pass that has just run. */
static bool
timers_due(asyncio_loop_t *loop)
{
    const struct aio__timer_slot *first = aio__timerheap_first(&loop->timers);

    return first != NULL && is_due(first->when, loop->began);
}

/* Whether timers of the pass that has just run are due, or libuv has not been
 * asked for long. If not, the next pass begins now. */
static bool
must_poll(asyncio_loop_t *loop)
{
    double now;

    if (timers_due(loop))
        return true;
    now = aio__loop_now(loop);
    if (!loop->virtual_clock && now - loop->polled > AIO__POLL_INTERVAL)
        return true;
    loop->began = now;
    return false;
}

struct aio__job *
aio__pass_look(asyncio_loop_t *loop)
{
    if (aio__queue_empty(&loop->ready) || loop->stopping || loop->once
        || loop->interrupted != 0
        || atomic_load_explicit(&loop->inbox_full, memory_order_relaxed))
        return NULL;
    loop->passes++;
    if (loop->passes >= AIO__PASSES_MAX || must_poll(loop))
        return NULL;
    if (loop->short_passes && loop->timers.count == 0) {
        loop->credit = CREDIT;
        loop->passes += CREDIT;
    }
    aio__timerheap_merge(&loop->timers);
    return aio__pass_begin(loop);
}

/* An empty pass stops whoever looks for the next fiber, too. */
void
aio__loop_interrupt(asyncio_loop_t *loop, int code)
{
    loop->interrupted = code;
    loop->credit = 0;
    aio__queue_append(&loop->now, &loop->ready);
    aio__queue_append(&loop->ready, &loop->now);
}

static void
report_slow(asyncio_loop_t *loop, double begin, const char *what)
{
    double took = real_now() - begin;

    if (took >= loop->slow_callback_duration)
        aio__log(ASYNCIO_LOG_WARNING, "Executing %s took %.3f seconds", what,
                 took);
}

static void
run_one(asyncio_loop_t *loop, struct aio__job *job)
{
    struct aio__fiber *fiber;

    if (job->run != NULL) {
        aio__queue_pop(&loop->now);
        job->run(job);
        return;
    }
    fiber = aio__fiber_next(loop);
    if (fiber != NULL)
        aio__fiber_step(loop, fiber);
}

/* In debug mode. The name is taken first: the task may be gone after. */
static void
run_one_timed(asyncio_loop_t *loop, struct aio__job *job)
{
    char what[160] = "a callback";
    double begin;

    if (job->run == NULL)
        loop->fiber_ops->describe(
            aio__container_of(job, struct aio__fiber, job), what, sizeof what);
    begin = real_now();
    run_one(loop, job);
    report_slow(loop, begin, what);
}

/* The ready part of a pass, and of those that need not ask libuv. */
static void
run_ready(asyncio_loop_t *loop)
{
    for (;;) {
        struct aio__job *job = loop->now.head;

        if (job == NULL && (job = aio__pass_next(loop)) == NULL)
            return;
        if (aio__unlikely(loop->debug))
            run_one_timed(loop, job);
        else
            run_one(loop, job);
        if (aio__unlikely(loop->interrupted != 0))
            return;
    }
}

/* Slot 0 fires after the timer in hand, and one of these after that: what it
 * belongs to has been out of the caches for as long as it slept. A task's
 * fiber lies before its timer. */
static void
prefetch_timers(const struct aio__timerheap *heap)
{
    for (uint32_t i = 1; i <= 4 && i < heap->sorted; i++) {
        const struct aio__timer *timer =
            aio__timerheap_timer(heap, &heap->slots[i]);

        aio__prefetch(timer, 0);
        aio__prefetch(timer, -AIO__LINE);
    }
}

static void
fire_timers(asyncio_loop_t *loop)
{
    const struct aio__timer_slot *first = aio__timerheap_first(&loop->timers);

    while (first != NULL && is_due(first->when, loop->began)
           && loop->interrupted == 0) {
        struct aio__timer *timer = aio__timerheap_timer(&loop->timers, first);
        double begin = aio__unlikely(loop->debug) ? real_now() : 0;

        aio__timerheap_remove(&loop->timers, timer);
        prefetch_timers(&loop->timers);
        timer->fire(timer);
        if (aio__unlikely(loop->debug))
            report_slow(loop, begin, "a timed callback");
        first = aio__timerheap_first(&loop->timers);
    }
}

static bool
is_idle(asyncio_loop_t *loop)
{
    return aio__queue_empty(&loop->ready) && aio__queue_empty(&loop->now)
        && !loop->stopping && loop->interrupted == 0
        && !atomic_load_explicit(&loop->inbox_full, memory_order_relaxed);
}

static void
pass(asyncio_loop_t *loop, bool wait)
{
    run_ready(loop);
    if (aio__unlikely(loop->interrupted != 0))
        return;
    if (loop->passes >= AIO__PASSES_MAX && timers_due(loop))
        wait = false; /* that feed themselves: events must get a look in */
    if (wait && is_idle(loop)) {
        /* Nothing was scheduled, so the pass is over but for its timers: the
         * poll belongs to the next one. */
        fire_timers(loop);
        begin_pass(loop);
        if (!is_idle(loop)) {
            loop->passes++;
            return;
        }
    }
    if (wait && is_idle(loop)) {
        aio__poll(loop, true);
        if (loop->timers.count > 0)
            loop->began = aio__loop_now(loop);
    } else {
        aio__poll(loop, false);
    }
    fire_timers(loop);
    if (!loop->once)
        begin_pass(loop);
}

/* From libuv's poll back into it: exactly one pass. */
void
aio__turn_now(asyncio_loop_t *loop)
{
    uint32_t passes = loop->passes;

    loop->told = 0;
    if (!loop->running || loop->stopping || loop->once
        || loop->interrupted != 0 || loop->virtual_clock)
        return;
    aio__probe(poll_end, loop, false);
    loop->passes = AIO__PASSES_MAX;
    loop->credit = 0;
    if (loop->timers.count > 0)
        loop->began = aio__loop_now(loop);
    fire_timers(loop);
    begin_pass(loop);
    run_ready(loop);
    loop->passes = passes;
    aio__probe(poll_begin, loop, false);
}

static int
enter(asyncio_loop_t *loop)
{
    if (loop == NULL)
        return UV_EINVAL;
    if (loop->closed)
        return asyncio_raise_at(ASYNCIO_ERR_LOOP_CLOSED, NULL, 0,
                                "Event loop is closed");
    if (loop->forks != aio__forks)
        return ASYNCIO_ERR_FORKED;
    if (loop->running)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "This event loop is already running");
    if (aio__running != NULL)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Cannot run the event loop while another "
                                "loop is running");
    if (!pthread_equal(loop->thread, pthread_self()))
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_THREAD, NULL, 0,
                                "a loop runs in the thread that made it");
    aio__notes_thread(&loop->main.notes);
    loop->running = true;
    loop->passes = 0;
    loop->credit = 0;
    loop->told = 0;
    if (!loop->virtual_clock)
        loop->polled = aio__loop_now(loop);
    aio__running = loop;
    begin_pass(loop);
    return 0;
}

static int
leave(asyncio_loop_t *loop)
{
    int r = loop->interrupted;

    /* What did not run any more comes first in the next run. */
    aio__queue_append(&loop->now, &loop->ready);
    aio__queue_append(&loop->ready, &loop->now);
    loop->interrupted = 0;
    loop->stopping = false;
    loop->once = false;
    loop->running = false;
    aio__running = NULL;
    return r;
}

int
asyncio_loop_run_forever(asyncio_loop_t *loop)
{
    int r;

    r = enter(loop);
    if (r < 0)
        return r;
    do
        pass(loop, true);
    while (!loop->stopping && loop->interrupted == 0);
    return leave(loop);
}

int
asyncio_loop_run_once(asyncio_loop_t *loop, bool wait)
{
    int r;

    r = enter(loop);
    if (r < 0)
        return r;
    loop->once = true;
    pass(loop, wait && is_idle(loop)); /* with something to do it is done */
    return leave(loop);
}

void
asyncio_loop_stop(asyncio_loop_t *loop)
{
    loop->stopping = true;
    loop->credit = 0;
}
