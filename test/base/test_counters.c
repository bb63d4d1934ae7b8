/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include "base/counters.h"

#include <pthread.h>

static void *
count_up(void *arg)
{
    (void) arg;
    aio__count(AIO__COUNT_OPS, 5);
    return NULL;
}

static void *
count_down(void *arg)
{
    (void) arg;
    aio__count(AIO__COUNT_OPS, -5);
    return NULL;
}

static void
run_thread(void *(*function)(void *) )
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, function, NULL), 0);
    pthread_join(thread, NULL);
}

PLAIN(what_a_thread_counted_outlives_it)
{
    run_thread(count_up);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_OPS), 5);
    run_thread(count_down);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_OPS), 0);
}

PLAIN(one_thread_may_take_back_what_another_counted)
{
    run_thread(count_up);
    aio__count(AIO__COUNT_OPS, -5);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_OPS), 0);
}

PLAIN(counters_do_not_mix)
{
    aio__count(AIO__COUNT_TASKS, 3);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_TASKS), 3);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_OPS), 0);
    aio__count(AIO__COUNT_TASKS, -3);
}
