/* SPDX-License-Identifier: MIT */
/*
 * State Threads (libst): user-level threads in C, the oldest still packaged.
 * It has mutexes and condition variables; its threads are joined like POSIX
 * ones and interrupted like tasks are cancelled.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <st.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { STACK = 64 * 1024, ALL = 1000000 };

static st_thread_t threads[ALL];
static int64_t left;
static struct bench *timed;

static st_thread_t
start(void *fn(void *), void *arg)
{
    st_thread_t thread = st_thread_create(fn, arg, 1, STACK);
    if (thread == NULL)
        bench_skip("state-threads: no stack for another thread");
    return thread;
}

/* st has no yield; sleeping for 0 is what its users write. */
static void
yield_once(void)
{
    st_usleep(0);
}

static void *
yielding(void *arg)
{
    yield_once();
    while (left > 0) {
        if (--left == 0)
            bench_stop(timed);
        yield_once();
    }
    return arg;
}

static void
yield(struct bench *bench)
{
    timed = bench;
    left = (int64_t) bench->n;
    for (long i = 0; i < bench->arg; i++)
        threads[i] = start(yielding, NULL);
    yield_once();
    bench_start(bench);
    for (long i = 0; i < bench->arg; i++)
        st_thread_join(threads[i], NULL);
}

static void *
empty(void *arg)
{
    return arg;
}

static void
create(struct bench *bench)
{
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++)
        st_thread_join(start(empty, NULL), NULL);
    bench_stop(bench);
}

static void *
yields_once(void *arg)
{
    yield_once();
    return arg;
}

static void
all_alive(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        threads[i] = start(yields_once, NULL);
    for (uint64_t i = 0; i < n; i++)
        st_thread_join(threads[i], NULL);
}

static void
alive(struct bench *bench)
{
    if (bench->arg)
        all_alive(bench->n);
    bench_start(bench);
    all_alive(bench->n);
    bench_stop(bench);
}

static void *
sleeps_for_ever(void *arg)
{
    st_sleep(3600);
    return arg;
}

static void
cancel(struct bench *bench)
{
    for (uint64_t done = 0; done < bench->n; done += 1000) {
        for (int i = 0; i < 1000; i++)
            threads[i] = start(sleeps_for_ever, NULL);
        yield_once();
        bench_start(bench);
        for (int i = 0; i < 1000; i++)
            st_thread_interrupt(threads[i]);
        for (int i = 0; i < 1000; i++)
            st_thread_join(threads[i], NULL);
        bench_stop(bench);
    }
}

static void *
locking(void *arg)
{
    for (uint64_t i = 0; i < timed->n / 2; i++) {
        st_mutex_lock(arg);
        yield_once();
        st_mutex_unlock(arg);
    }
    return arg;
}

static void
lock(struct bench *bench)
{
    st_mutex_t mutex = st_mutex_new();

    timed = bench;
    bench_start(bench);
    st_thread_t a = start(locking, mutex), b = start(locking, mutex);
    st_thread_join(a, NULL);
    st_thread_join(b, NULL);
    bench_stop(bench);
    st_mutex_destroy(mutex);
}

struct event {
    st_cond_t changed[2];
    int turn;
};

struct side {
    struct event *event;
    int mine;
};

static void *
taking_turns(void *arg)
{
    struct side *side = arg;
    struct event *event = side->event;

    for (uint64_t i = 0; i < timed->n / 2; i++) {
        while (event->turn != side->mine)
            st_cond_wait(event->changed[side->mine]);
        event->turn = !side->mine;
        st_cond_signal(event->changed[event->turn]);
    }
    return arg;
}

static void
event(struct bench *bench)
{
    struct event event = {.changed = {st_cond_new(), st_cond_new()}};
    struct side sides[2] = {{&event, 0}, {&event, 1}};

    timed = bench;
    bench_start(bench);
    st_thread_t a = start(taking_turns, &sides[0]);
    st_thread_t b = start(taking_turns, &sides[1]);
    st_thread_join(a, NULL);
    st_thread_join(b, NULL);
    bench_stop(bench);
    st_cond_destroy(event.changed[0]);
    st_cond_destroy(event.changed[1]);
}

static void
gather(struct bench *bench)
{
    bench_start(bench);
    for (uint64_t done = 0; done < bench->n; done += (uint64_t) bench->arg) {
        for (long i = 0; i < bench->arg; i++)
            threads[i] = start(empty, NULL);
        for (long i = 0; i < bench->arg; i++)
            st_thread_join(threads[i], NULL);
    }
    bench_stop(bench);
}

static void *
sleeping(void *arg)
{
    st_usleep((st_utime_t) (uintptr_t) arg * 1000);
    return NULL;
}

static void
timers(struct bench *bench)
{
    uint32_t seed = 42;

    bench_start(bench);
    for (long i = 0; i < bench->arg; i++) {
        uintptr_t ms = bench_random(&seed) % 1001;
        threads[i] = start(sleeping, (void *) ms);
    }
    for (long i = 0; i < bench->arg; i++)
        st_thread_join(threads[i], NULL);
    bench_stop(bench);
}

static void
memory(struct bench *bench)
{
    bench_memory(); /* warms stdio, which is not the tasks' */
    struct bench_memory before = bench_memory();
    for (long i = 0; i < bench->arg; i++)
        threads[i] = start(sleeps_for_ever, NULL);
    yield_once();
    bench_memory_since(bench, before, (uint64_t) bench->arg);
}

static void *
echoing(void *arg)
{
    st_netfd_t peer = arg;
    char buffer[16 * 1024];
    ssize_t n;

    while ((n = st_read(peer, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(peer, buffer, (size_t) n, ST_UTIME_NO_TIMEOUT) != n)
            break;
    st_netfd_close(peer);
    return NULL;
}

static void
serve(struct bench *bench)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof at;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    (void) bench;
    if (bind(fd, (struct sockaddr *) &at, sizeof at) < 0
        || listen(fd, 1024) < 0)
        abort();
    getsockname(fd, (struct sockaddr *) &at, &size);
    st_netfd_t listener = st_netfd_open_socket(fd);
    bench_serving(ntohs(at.sin_port));
    for (;;) {
        st_netfd_t peer =
            st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (peer == NULL)
            continue;
        setsockopt(st_netfd_fileno(peer), IPPROTO_TCP, TCP_NODELAY, &one,
                   sizeof one);
        st_thread_create(echoing, peer, 0, STACK);
    }
}

static const struct bench_case cases[] = {
    {.name = "yield/2", .run = yield, .arg = 2},
    {.name = "yield/100", .run = yield, .arg = 100},
    {.name = "yield/1000", .run = yield, .arg = 1000},
    {.name = "yield/10000", .run = yield, .arg = 10000, .n = 100000},
    {.name = "create", .run = create},
    {.name = "alive/cold", .run = alive, .n = 100000, .macro = true},
    {.name = "alive/warm",
     .run = alive,
     .arg = 1,
     .n = 100000,
     .macro = true},
    {.name = "cancel", .run = cancel, .n = 10000, .n_quick = 1000},
    {.name = "lock", .run = lock},
    {.name = "event", .run = event},
    {.name = "gather/10", .run = gather, .arg = 10, .n = 10000},
    {.name = "gather/10000", .run = gather, .arg = 10000, .n = 10000},
    {.name = "timers/100000",
     .run = timers,
     .arg = 100000,
     .n = 1,
     .unit = "s",
     .macro = true,
     .by_cpu = true},
    {.name = "timers/1000000",
     .run = timers,
     .arg = 1000000,
     .n = 1,
     .unit = "s",
     .macro = true,
     .by_cpu = true},
    {.name = "memory/10000",
     .run = memory,
     .arg = 10000,
     .n = 1,
     .macro = true},
    {.name = "memory/100000",
     .run = memory,
     .arg = 100000,
     .n = 1,
     .macro = true},
    {.name = "memory/1000000",
     .run = memory,
     .arg = 1000000,
     .n = 1,
     .macro = true},
    {.name = "serve/echo", .run = serve},
    {0},
};

int
main(int argc, char **argv)
{
    if (st_set_eventsys(ST_EVENTSYS_ALT) < 0 || st_init() < 0)
        return 1;
    return bench_main(argc, argv, "state-threads", cases);
}
