/* SPDX-License-Identifier: MIT */
/*
 * Counters of tasks, ops, handles, descriptors, stacks and bytes.
 *
 * Every thread that counts is in one list. When it ends, its numbers are
 * added to those of the dead, so the sum never loses any.
 */
#include "base/counters.h"

#include <pthread.h>
#include <stddef.h>

aio__thread_local struct aio__counters aio__my_counters;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static struct aio__counters *threads;
static int64_t dead[AIO__COUNTERS];

static void
on_thread_end(void *value)
{
    struct aio__counters *mine = value;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < AIO__COUNTERS; i++) {
        dead[i] += mine->value[i];
        mine->value[i] = 0;
    }
    if (mine->prev != NULL)
        mine->prev->next = mine->next;
    else
        threads = mine->next;
    if (mine->next != NULL)
        mine->next->prev = mine->prev;
    mine->registered = 0;
    pthread_mutex_unlock(&lock);
}

static void
make_key(void)
{
    pthread_key_create(&key, on_thread_end);
}

void
aio__counters_register(void)
{
    struct aio__counters *mine = &aio__my_counters;

    pthread_once(&once, make_key);
    pthread_mutex_lock(&lock);
    mine->prev = NULL;
    mine->next = threads;
    if (threads != NULL)
        threads->prev = mine;
    threads = mine;
    mine->registered = 1;
    pthread_mutex_unlock(&lock);
    pthread_setspecific(key, mine);
}

int64_t
aio__counters_sum(enum aio__counter counter)
{
    int64_t sum;

    pthread_mutex_lock(&lock);
    sum = dead[counter];
    for (struct aio__counters *c = threads; c != NULL; c = c->next)
        sum += __atomic_load_n(&c->value[counter], __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
    return sum;
}
