/* SPDX-License-Identifier: MIT */
/*
 * Threads of the kernel, all on one core, written as one writes pthreads every
 * day. The bare hand-over by futex is in switch.c.
 */
#include "bench.h"

#include <pthread.h>
#include <sched.h>

static uint64_t rounds;

static void *
empty(void *arg)
{
    return arg;
}

static void
create(struct bench *bench)
{
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, empty, NULL);
        pthread_join(thread, NULL);
    }
    bench_stop(bench);
}

static void *
yielding(void *arg)
{
    for (uint64_t i = 0; i < rounds; i++)
        sched_yield();
    return arg;
}

static void
yield(struct bench *bench)
{
    pthread_t partner;

    rounds = bench->n / 2;
    bench_start(bench);
    pthread_create(&partner, NULL, yielding, NULL);
    yielding(NULL);
    pthread_join(partner, NULL);
    bench_stop(bench);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed[2] = {PTHREAD_COND_INITIALIZER,
                                    PTHREAD_COND_INITIALIZER};
static int side;

static void
event_side(int mine)
{
    pthread_mutex_lock(&mutex);
    for (uint64_t i = 0; i < rounds; i++) {
        while (side != mine)
            pthread_cond_wait(&changed[mine], &mutex);
        side = !mine;
        pthread_cond_signal(&changed[!mine]);
    }
    pthread_mutex_unlock(&mutex);
}

static void *
event_partner(void *arg)
{
    event_side(1);
    return arg;
}

static void
event(struct bench *bench)
{
    pthread_t partner;

    rounds = bench->n / 2;
    side = 0;
    pthread_create(&partner, NULL, event_partner, NULL);
    bench_start(bench);
    event_side(0);
    pthread_join(partner, NULL);
    bench_stop(bench);
}

/* To another thread and back: two of the above an operation. */
static void
to_thread(struct bench *bench)
{
    bench->n *= 2;
    event(bench);
    bench->n /= 2;
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "yield/2", .run = yield},
        {.name = "create", .run = create},
        {.name = "event", .run = event},
        {.name = "to_thread", .run = to_thread},
        {0},
    };
    return bench_main(argc, argv, "pthread", cases);
}
