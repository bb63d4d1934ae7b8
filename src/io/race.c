/* SPDX-License-Identifier: MIT */
/*
 * Connecting to the first of several addresses that answers.
 *
 * One task tries them all: sockets that connect are watched, and the task
 * sleeps until one of them is through or it is time for the next address. The
 * errors are reported in the order of the addresses. Whatever way it ends, all
 * sockets but the winner's are closed.
 *
 * Python counterpart: staggered_race, as create_connection uses it (RFC 8305).
 */
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/connect.h"
#include "io/poll.h"

struct attempt {
    struct race *race;
    const struct aio__addr *addr;
    struct aio__watch watch;      /* while it connects */
    asyncio_exception_t *error;   /* why it failed; owned */
    int fd;                       /* -1: not begun, or over */
    bool watched;
    bool ready;                   /* there is a result */
};

struct race {
    asyncio_loop_t *loop;
    const struct aio__addrs *local;
    struct attempt *attempts;
    size_t count;
    size_t begun;                 /* attempts so far */
    size_t pending;               /* of them, that may still succeed */
    bool hurry;                   /* begin the next one now */
    int winner;                   /* a descriptor, or -1 */
    int failed;                   /* no matter of an address: no memory */
    struct aio__timer timer;
    struct aio__waiter *waiter;   /* while it sleeps */
};

static void
wake(struct race *race)
{
    if (race->waiter != NULL)
        aio__wake(race->waiter, 0);
}

static void
unwatch(struct attempt *attempt)
{
    if (attempt->watched)
        aio__poll_remove(attempt->race->loop, attempt->fd, AIO__CONNECT);
    attempt->watched = false;
}

static void
on_ready(struct aio__watch *watch)
{
    struct attempt *attempt = aio__container_of(watch, struct attempt, watch);

    unwatch(attempt);
    attempt->ready = true;
    wake(attempt->race);
}

static void
on_delay(struct aio__timer *timer)
{
    struct race *race = aio__container_of(timer, struct race, timer);

    race->hurry = true;
    wake(race);
}

static void
end_attempt(struct attempt *attempt)
{
    unwatch(attempt);
    if (attempt->fd >= 0)
        close(attempt->fd);
    attempt->fd = -1;
}

static void
note_error(struct attempt *attempt, int code)
{
    attempt->error = aio__raised(code);
    if (attempt->error == NULL)
        attempt->error = aio__exception_ref(aio__exception_of(code));
}

/* Connected, or failed: then the next one begins at once, if it was the
 * newest. */
static void
settle(struct race *race, struct attempt *attempt, int r)
{
    race->pending--;
    if (r == 0) {
        race->winner = attempt->fd;
        attempt->fd = -1;
    } else {
        note_error(attempt, r);
        if (attempt == &race->attempts[race->begun - 1])
            race->hurry = true;
    }
    end_attempt(attempt);
}

static void
begin_next(struct race *race, double delay)
{
    struct attempt *attempt = &race->attempts[race->begun++];
    int r;

    race->pending++;
    race->hurry = false;
    aio__timerheap_remove(&race->loop->timers, &race->timer);
    r = aio__connect_begin(attempt->addr, race->local, &attempt->fd);
    if (r == -EINPROGRESS) {
        r = aio__poll_add(race->loop, attempt->fd, AIO__CONNECT,
                          &attempt->watch);
        attempt->watched = r == 0;
    }
    if (r == UV_ENOMEM)
        race->failed = r;
    if (!attempt->watched)
        settle(race, attempt, r);
    else if (delay > 0 && race->begun < race->count)
        aio__timerheap_insert(&race->loop->timers, &race->timer,
                              aio__loop_now(race->loop) + delay);
}

static int
sleep_until_something(struct race *race)
{
    struct aio__waiter waiter;
    int r;

    aio__waiter_init(&waiter, race->loop, NULL);
    race->waiter = &waiter;
    r = aio__wait(&waiter);
    race->waiter = NULL;
    return r;
}

static int
run(struct race *race, double delay)
{
    int r = 0;

    race->hurry = true;
    while (race->winner < 0 && r >= 0 && race->failed == 0) {
        if (race->hurry && race->begun < race->count) {
            begin_next(race, delay);
            continue;
        }
        if (race->pending == 0)
            return 0;
        r = sleep_until_something(race);
        for (size_t i = 0; i < race->begun && race->winner < 0; i++) {
            struct attempt *attempt = &race->attempts[i];

            if (r < 0 || !attempt->ready)
                continue;
            attempt->ready = false;
            settle(race, attempt, aio__connect_end(attempt->fd,
                                                   attempt->addr));
        }
    }
    return r < 0 ? r : race->failed;
}

static int
collect(struct race *race, asyncio_exception_t *group)
{
    int r = 0;

    for (size_t i = 0; i < race->count; i++) {
        struct attempt *attempt = &race->attempts[i];

        end_attempt(attempt);
        if (attempt->error == NULL)
            continue;
        if (race->winner < 0 && r == 0)
            r = aio__exception_add(group, attempt->error);
        else
            aio__exception_unref(attempt->error);
    }
    return r;
}

int
aio__connect_race(asyncio_loop_t *loop, const struct aio__addrs *addrs,
                  const struct aio__addrs *local, double delay,
                  asyncio_exception_t *group, int *ret_fd)
{
    struct race race = {.loop = loop,
                        .local = local,
                        .count = addrs->count,
                        .winner = -1};
    int r, collected;

    race.attempts = aio__calloc(addrs->count, sizeof *race.attempts);
    if (race.attempts == NULL)
        return UV_ENOMEM;
    r = aio__timerheap_reserve(&loop->timers, &race.timer, on_delay);
    if (r < 0)
        goto done;
    for (size_t i = 0; i < race.count; i++) {
        race.attempts[i] = (struct attempt){.race = &race,
                                            .addr = &addrs->list[i],
                                            .watch.ready = on_ready,
                                            .fd = -1};
    }
    r = run(&race, delay);
    aio__timerheap_remove(&loop->timers, &race.timer);
    aio__timerheap_release(&loop->timers, &race.timer);
    collected = collect(&race, group);
    if (r == 0)
        r = collected;
    if (r == 0)
        *ret_fd = race.winner;
    else if (race.winner >= 0)
        close(race.winner);
done:
    aio__free(race.attempts, addrs->count * sizeof *race.attempts);
    return r;
}
