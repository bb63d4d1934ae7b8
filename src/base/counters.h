/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_COUNTERS_H
#define AIO_BASE_COUNTERS_H

/*
 * What the library holds. Each thread counts for itself, because tasks are
 * made and freed too often for atomic additions; reading adds all threads up.
 * A thread's numbers may be negative: it frees what another one allocated.
 */

#include <stdint.h>

#include "base/macros.h"

enum aio__counter {
    AIO__COUNT_TASKS,
    AIO__COUNT_OPS,
    AIO__COUNT_HANDLES,
    AIO__COUNT_FDS,
    AIO__COUNT_STACKS,
    AIO__COUNT_BYTES,
    AIO__COUNTERS
};

struct aio__counters {
    int64_t value[AIO__COUNTERS]; /* written by the owner only, atomically */
    struct aio__counters *next;   /* of the list of threads */
    struct aio__counters *prev;
    int registered;
};

extern aio__thread_local struct aio__counters aio__my_counters;

/* Enter this thread into the list; its numbers stay when it ends. */
void aio__counters_register(void);

int64_t aio__counters_sum(enum aio__counter counter);

static inline void
aio__count(enum aio__counter counter, int64_t n)
{
    struct aio__counters *mine = &aio__my_counters;

    if (aio__unlikely(!mine->registered))
        aio__counters_register();
    /* A plain addition: only this thread writes, others may read. */
    __atomic_store_n(&mine->value[counter], mine->value[counter] + n,
                     __ATOMIC_RELAXED);
}

#endif
