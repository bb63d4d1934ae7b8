/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_ALLOC_H
#define AIO_BASE_ALLOC_H

/*
 * All memory of the library comes from here, so that it is counted and can
 * be made to fail. Whoever frees knows the size: that costs no header and
 * makes a wrong owner show up in the counters.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL without memory. A size of 0 gives a unique pointer. */
void *aio__alloc(size_t size);
void *aio__calloc(size_t count, size_t size);
/* On failure the old block stays as it was. */
void *aio__realloc(void *memory, size_t old_size, size_t new_size);
void aio__free(void *memory, size_t size);

/* A copy of a string; aio__strfree() gives it back and takes NULL. */
char *aio__strdup(const char *string);
void aio__strfree(char *string);

/* Whether anybody counts allocations or lets them fail. */
extern _Atomic(bool) aio__alloc_watch;
static inline bool
aio__alloc_watched(void)
{
    return atomic_load_explicit(&aio__alloc_watch, memory_order_relaxed);
}

/* For what has its own allocation functions (stack mappings): whether the
 * next one is to fail. Counts as an allocation. */
bool aio__alloc_fails(void);

struct aio__allocator {
    void *(*malloc)(size_t size);
    void *(*realloc)(void *memory, size_t size);
    void (*free)(void *memory);
};

/* NULL: the C library's. */
void aio__alloc_set(const struct aio__allocator *allocator);
void aio__alloc_fail(uint64_t nth, bool sticky);
uint64_t aio__alloc_count(void);

#endif
