/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_BLOCK_H
#define AIO_BASE_BLOCK_H

/*
 * Blocks: small memory that comes and goes all the time. Each thread keeps the
 * free ones of every size class, last in, first out, so that making a task
 * after one has ended takes the memory that is still in the cache. It keeps a
 * few, and beyond that no more than it has taken from the allocator: who frees
 * what other threads made would else keep it for nobody. What it did not need
 * for a second goes back when its loop waits, some at a time; all goes back
 * when the loop closes or the thread ends.
 *
 * To everything that watches it it is an allocation like any other: counted,
 * and it fails when it is told to. Under memory checkers nothing is kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/counters.h"
#include "base/macros.h"

enum {
    AIO__BLOCK_STEP = 16,    /* bytes between size classes */
    AIO__BLOCK_CLASSES = 33, /* up to 512 bytes; larger ones are not kept */
    AIO__BLOCK_KEEP = 256,   /* free blocks of each class that stay */
    AIO__BLOCK_TRIM = 256    /* at most so many go at a time */
};

struct aio__block {
    struct aio__block *next;
};

struct aio__blocks {
    struct aio__block *free[AIO__BLOCK_CLASSES];
    uint32_t count[AIO__BLOCK_CLASSES];
    uint32_t keep[AIO__BLOCK_CLASSES];    /* at most so many: a few and those
                                           * taken from the allocator */
    uint32_t unused[AIO__BLOCK_CLASSES];  /* the fewest since `looked` */
    uint32_t surplus[AIO__BLOCK_CLASSES]; /* that are to go */
    bool has_surplus;
    double looked; /* seconds of the loop's clock */
    bool known;    /* whether it keeps any has been found out: */
    bool keeps;
};

extern aio__thread_local struct aio__blocks aio__blocks;

void *aio__block_more(size_t size);
void aio__block_surplus(void *memory, size_t size);

/* Give back what this thread keeps, or some of what it has too much of. */
void aio__blocks_give_back(void);
void aio__blocks_trim(double now);

/* Blocks of class n have n * 16 + 8 bytes, as the C library's chunks do. */
aio__inline size_t
aio__block_class(size_t size)
{
    return (size + AIO__BLOCK_STEP / 2 - 1) / AIO__BLOCK_STEP;
}

aio__inline size_t
aio__block_size(size_t class)
{
    return class * AIO__BLOCK_STEP + AIO__BLOCK_STEP / 2;
}

/* NULL without memory. */
aio__inline void *
aio__block_alloc(size_t size)
{
    size_t class = aio__block_class(size);
    struct aio__block *block;

    if (aio__unlikely(class >= AIO__BLOCK_CLASSES
                      || (block = aio__blocks.free[class]) == NULL
                      || aio__alloc_watched()))
        return aio__block_more(size);
    aio__blocks.free[class] = block->next;
    if (--aio__blocks.count[class] < aio__blocks.unused[class])
        aio__blocks.unused[class] = aio__blocks.count[class];
    aio__count(AIO__COUNT_BYTES, (int64_t) size);
    return block;
}

aio__inline void
aio__block_free(void *memory, size_t size)
{
    size_t class = aio__block_class(size);
    struct aio__block *block = memory;

    if (aio__unlikely(class >= AIO__BLOCK_CLASSES
                      || aio__blocks.count[class] >= aio__blocks.keep[class])) {
        aio__block_surplus(memory, size);
        return;
    }
    block->next = aio__blocks.free[class];
    aio__blocks.free[class] = block;
    aio__blocks.count[class]++;
    aio__count(AIO__COUNT_BYTES, -(int64_t) size);
}

#endif
