/* SPDX-License-Identifier: MIT */
/*
 * The allocator hook.
 *
 * One atomic word, aio__alloc_watch, tells whether anybody counts or fails allocations;
 * while it is 0 an allocation costs one load more than malloc. The nth
 * allocation is counted over all threads, so a sweep over n reaches every
 * allocation of a program that is deterministic.
 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/macros.h"

static struct aio__allocator allocator = {malloc, realloc, free};
_Atomic(bool) aio__alloc_watch;
static atomic_uint_fast64_t tried;
static atomic_uint_fast64_t fail_at;
static atomic_bool fail_after;

bool
aio__alloc_fails(void)
{
    if (aio__likely(!aio__alloc_watched()))
        return false;
    uint64_t n = atomic_fetch_add(&tried, 1) + 1;
    uint64_t at = atomic_load(&fail_at);

    return at != 0 && (n == at || (n > at && atomic_load(&fail_after)));
}

void
aio__alloc_fail(uint64_t nth, bool sticky)
{
    atomic_store(&tried, 0);
    atomic_store(&fail_at, nth);
    atomic_store(&fail_after, sticky);
    atomic_store(&aio__alloc_watch, true);
}

uint64_t
aio__alloc_count(void)
{
    return atomic_load(&tried);
}

void
aio__alloc_set(const struct aio__allocator *other)
{
    static const struct aio__allocator libc = {malloc, realloc, free};

    allocator = other != NULL ? *other : libc;
}

void *
aio__alloc(size_t size)
{
    void *memory;

    if (aio__alloc_fails())
        return NULL;
    memory = allocator.malloc(size != 0 ? size : 1);
    if (aio__likely(memory != NULL))
        aio__count(AIO__COUNT_BYTES, (int64_t) size);
    return memory;
}

void *
aio__calloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    memory = aio__alloc(bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

void *
aio__realloc(void *memory, size_t old_size, size_t new_size)
{
    void *moved;

    if (aio__alloc_fails())
        return NULL;
    moved = allocator.realloc(memory, new_size != 0 ? new_size : 1);
    if (moved != NULL)
        aio__count(AIO__COUNT_BYTES, (int64_t) new_size - (int64_t) old_size);
    return moved;
}

void
aio__free(void *memory, size_t size)
{
    if (memory == NULL)
        return;
    aio__count(AIO__COUNT_BYTES, -(int64_t) size);
    allocator.free(memory);
}

char *
aio__strdup(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = aio__alloc(size);

    if (copy != NULL)
        memcpy(copy, string, size);
    return copy;
}

void
aio__strfree(char *string)
{
    if (string != NULL)
        aio__free(string, strlen(string) + 1);
}
