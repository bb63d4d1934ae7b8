/* SPDX-License-Identifier: MIT */
/*
 * Watching descriptors of the program, datagram sockets and sockets that
 * connect.
 *
 * libuv's own poll handles abort the program when a descriptor is closed too
 * early, and make it non-blocking behind the program's back. So each loop has
 * one epoll instance for all of them, which one uv_poll_t watches: a number
 * that was closed and used again is simply registered anew, and every error
 * comes out of the call that made it.
 *
 * A hang-up or an error makes both directions ready: the system call that
 * follows says which it is.
 *
 * Python counterpart: the selector of BaseSelectorEventLoop.
 */
#include "io/poll.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counters.h"
#include "loop/fiber.h"

enum {
    EVENTS_MAX = 128
};

struct entry {
    struct aio__watch *watch[AIO__DIRECTIONS]; /* NULL for none */
    uint32_t turn; /* of the number: events of an earlier one are not ours */
};

struct aio__polls {
    struct aio__closer closer;
    asyncio_loop_t *loop;
    uv_poll_t poll; /* of `epoll`; active while there is a watch */
    int epoll;
    unsigned active;       /* entries with a watch */
    struct entry *entries; /* by descriptor */
    size_t size;           /* of entries */
};

static void
on_closed(uv_handle_t *handle)
{
    struct aio__polls *polls = handle->data;

    polls->loop->handles_open--;
    aio__count(AIO__COUNT_HANDLES, -1);
    close(polls->epoll);
    aio__count(AIO__COUNT_FDS, -1);
    aio__free(polls->entries, polls->size * sizeof *polls->entries);
    aio__free(polls, sizeof *polls);
}

static void
on_loop_close(struct aio__closer *closer)
{
    struct aio__polls *polls =
        aio__container_of(closer, struct aio__polls, closer);

    polls->loop->polls = NULL;
    for (size_t i = 0; i < polls->size * AIO__DIRECTIONS; i++) {
        struct aio__watch *watch = polls->entries[i / AIO__DIRECTIONS]
                                       .watch[i % AIO__DIRECTIONS];

        if (watch != NULL && watch->replaced != NULL)
            watch->replaced(watch);
    }
    uv_close((uv_handle_t *) &polls->poll, on_closed);
}

static int
make(asyncio_loop_t *loop)
{
    struct aio__polls *polls = aio__calloc(1, sizeof *polls);
    int r;

    if (polls == NULL)
        return UV_ENOMEM;
    polls->loop = loop;
    polls->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (polls->epoll < 0) {
        r = -errno;
        goto fail;
    }
    r = uv_poll_init(loop->uv, &polls->poll, polls->epoll);
    if (r < 0) {
        close(polls->epoll);
        goto fail;
    }
    polls->poll.data = polls;
    loop->handles_open++;
    aio__count(AIO__COUNT_HANDLES, 1);
    aio__count(AIO__COUNT_FDS, 1);
    polls->closer.close = on_loop_close;
    aio__list_push_back(&loop->closers, &polls->closer.link);
    loop->polls = polls;
    return 0;

fail:
    aio__free(polls, sizeof *polls);
    return r;
}

static int
make_room(struct aio__polls *polls, size_t fd)
{
    size_t size = polls->size > 0 ? polls->size : 32;
    struct entry *entries;

    while (size <= fd)
        size *= 2;
    if (size == polls->size)
        return 0;
    entries = aio__realloc(polls->entries, polls->size * sizeof *entries,
                           size * sizeof *entries);
    if (entries == NULL)
        return UV_ENOMEM;
    memset(entries + polls->size, 0, (size - polls->size) * sizeof *entries);
    polls->entries = entries;
    polls->size = size;
    return 0;
}

static struct aio__watch *
watch_of(const struct aio__polls *polls, int fd, enum aio__direction direction)
{
    if (polls == NULL || (size_t) fd >= polls->size)
        return NULL;
    return polls->entries[fd].watch[direction];
}

struct aio__watch *
aio__poll_get(const asyncio_loop_t *loop, int fd, enum aio__direction direction)
{
    return fd >= 0 ? watch_of(loop->polls, fd, direction) : NULL;
}

static void
tell(const struct aio__polls *polls, int fd, enum aio__direction direction)
{
    struct aio__watch *watch = watch_of(polls, fd, direction);

    if (watch != NULL)
        watch->ready(watch);
}

/* An event carries its descriptor and whose turn it was to use that number. */
static uint64_t
data_of(const struct aio__polls *polls, int fd)
{
    return (uint64_t) polls->entries[fd].turn << 32 | (uint32_t) fd;
}

/* Tell the ready ones; each may add and remove what it likes, also what the
 * next events are for. */
static void
on_poll(uv_poll_t *poll, int status, int uv_events)
{
    struct aio__polls *polls = poll->data;
    struct epoll_event events[EVENTS_MAX];
    int n;

    (void) status;
    (void) uv_events;
    n = epoll_wait(polls->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) {
        int fd = (int) (uint32_t) events[i].data.u64;

        if (events[i].data.u64 != data_of(polls, fd))
            continue;
        if (watch_of(polls, fd, AIO__CONNECT) != NULL) {
            tell(polls, fd, AIO__CONNECT);
            continue;
        }
        if ((events[i].events & ~(uint32_t) EPOLLOUT) != 0)
            tell(polls, fd, AIO__READ);
        if ((events[i].events & ~(uint32_t) EPOLLIN) != 0)
            tell(polls, fd, AIO__WRITE);
    }
}

static bool
is_active(const struct entry *entry)
{
    return entry->watch[AIO__READ] != NULL || entry->watch[AIO__WRITE] != NULL
        || entry->watch[AIO__CONNECT] != NULL;
}

static uint32_t
events_of(const struct entry *entry)
{
    if (entry->watch[AIO__CONNECT] != NULL)
        return EPOLLOUT;
    return (entry->watch[AIO__READ] != NULL ? (uint32_t) EPOLLIN : 0)
        | (entry->watch[AIO__WRITE] != NULL ? (uint32_t) EPOLLOUT : 0);
}

/* The number means another file than the last time, or nobody knows: 0, or an
 * error. */
static int
register_anew(struct aio__polls *polls, int fd)
{
    struct epoll_event event = {.events = events_of(&polls->entries[fd])};

    polls->entries[fd].turn++;
    event.data.u64 = data_of(polls, fd);
    if (epoll_ctl(polls->epoll, EPOLL_CTL_ADD, fd, &event) == 0
        || (errno == EEXIST
            && epoll_ctl(polls->epoll, EPOLL_CTL_MOD, fd, &event) == 0))
        return 0;
    return -errno;
}

static void
forget(struct aio__polls *polls, int fd)
{
    struct epoll_event none = {.events = 0};

    epoll_ctl(polls->epoll, EPOLL_CTL_DEL, fd, &none);
    polls->entries[fd].turn++;
}

/* Tell the kernel what has changed in one of these directions. */
static int
apply(struct aio__polls *polls, int fd, bool was_active)
{
    struct epoll_event event = {.events = events_of(&polls->entries[fd])};

    if (event.events == 0) {
        forget(polls, fd);
        return 0;
    }
    if (was_active) {
        event.data.u64 = data_of(polls, fd);
        if (epoll_ctl(polls->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
            return 0;
        if (errno != ENOENT)
            return -errno;
    }
    return register_anew(polls, fd);
}

static void
count_active(struct aio__polls *polls, int change)
{
    polls->active += (unsigned) change;
    if (polls->active == 0)
        uv_poll_stop(&polls->poll);
    else if (polls->active == 1 && change > 0)
        uv_poll_start(&polls->poll, UV_READABLE, on_poll);
}

int
aio__poll_add(asyncio_loop_t *loop, int fd, enum aio__direction direction,
              struct aio__watch *watch)
{
    struct aio__watch *former;
    struct aio__polls *polls;
    struct entry *entry;
    bool was_active;
    int r = 0;

    if (loop->forks != aio__forks)
        return ASYNCIO_ERR_FORKED; /* the epoll instance is the parent's */
    if (fd < 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Invalid file descriptor: %d", fd);
    if (loop->polls == NULL)
        r = make(loop);
    if (r == 0)
        r = make_room(loop->polls, (size_t) fd);
    if (r < 0)
        return r;
    polls = loop->polls;
    entry = &polls->entries[fd];
    former = entry->watch[direction];
    if (former != NULL && former->replaced == NULL)
        return asyncio_raise_at(UV_EBUSY, NULL, 0,
                                "a task waits for file descriptor %d already",
                                fd);
    was_active = is_active(entry);
    entry->watch[direction] = watch;
    r = direction == AIO__CONNECT ? register_anew(polls, fd)
                                  : apply(polls, fd, was_active);
    if (r < 0) {
        entry->watch[direction] = former;
        return r;
    }
    if (!was_active)
        count_active(polls, 1);
    if (former != NULL)
        former->replaced(former);
    return 0;
}

void
aio__poll_remove(asyncio_loop_t *loop, int fd, enum aio__direction direction)
{
    struct aio__polls *polls = loop->polls;

    if (fd < 0 || watch_of(polls, fd, direction) == NULL
        || loop->forks != aio__forks)
        return;
    polls->entries[fd].watch[direction] = NULL;
    if (direction == AIO__CONNECT)
        forget(polls, fd);
    else
        (void) apply(polls, fd, true);
    if (!is_active(&polls->entries[fd]))
        count_active(polls, -1);
}

/* A task that waits; on its stack. */
struct poll_waiter {
    struct aio__watch watch;
    struct aio__waiter waiter;
    int fd;
    enum aio__direction direction;
};

static void
stop(struct poll_waiter *waiting)
{
    aio__poll_remove(waiting->waiter.loop, waiting->fd, waiting->direction);
}

static void
on_ready(struct aio__watch *watch)
{
    struct poll_waiter *waiting =
        aio__container_of(watch, struct poll_waiter, watch);

    stop(waiting);
    aio__wake(&waiting->waiter, 0);
}

static bool
cancel_wait(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    struct poll_waiter *waiting =
        aio__container_of(waiter, struct poll_waiter, waiter);

    if (!aio__waiter_cancel(waiter, message))
        return false;
    stop(waiting);
    return true;
}

int
aio__poll_wait(asyncio_loop_t *loop, int fd, enum aio__direction direction)
{
    struct poll_waiter waiting = {
        .watch.ready = on_ready, .fd = fd, .direction = direction};
    int r;

    aio__waiter_init(&waiting.waiter, loop, cancel_wait);
    r = aio__poll_add(loop, fd, direction, &waiting.watch);
    if (r < 0)
        return r;
    return aio__wait(&waiting.waiter);
}
