/* SPDX-License-Identifier: MIT */
/*
 * The doors for tests: counters, failing allocations, virtual time.
 */
#include "asyncio/testing.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/counters.h"
#include "loop/loop.h"

/* libuv frees without a size, so its blocks carry one. */
struct header {
    _Alignas(16) size_t size;
};

asyncio_testing_counters_t
asyncio_testing_counters(void)
{
    return (asyncio_testing_counters_t){
        .tasks = aio__counters_sum(AIO__COUNT_TASKS),
        .ops = aio__counters_sum(AIO__COUNT_OPS),
        .handles = aio__counters_sum(AIO__COUNT_HANDLES),
        .fds = aio__counters_sum(AIO__COUNT_FDS),
        .stacks = aio__counters_sum(AIO__COUNT_STACKS),
        .bytes = aio__counters_sum(AIO__COUNT_BYTES),
    };
}

void
asyncio_testing_fail_alloc(uint64_t nth, bool sticky)
{
    aio__alloc_fail(nth, sticky);
}

uint64_t
asyncio_testing_alloc_count(void)
{
    return aio__alloc_count();
}

static void *
uv_malloc_hook(size_t size)
{
    struct header *header = aio__alloc(sizeof *header + size);

    if (header == NULL)
        return NULL;
    header->size = size;
    return header + 1;
}

static void
uv_free_hook(void *memory)
{
    struct header *header = memory;

    if (memory != NULL)
        aio__free(header - 1, sizeof *header + header[-1].size);
}

static void *
uv_realloc_hook(void *memory, size_t size)
{
    struct header *header = memory;

    if (memory == NULL)
        return uv_malloc_hook(size);
    header = aio__realloc(header - 1, sizeof *header + header[-1].size,
                          sizeof *header + size);
    if (header == NULL)
        return NULL;
    header->size = size;
    return header + 1;
}

static void *
uv_calloc_hook(size_t count, size_t size)
{
    size_t bytes;
    void *memory;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    memory = uv_malloc_hook(bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

int
asyncio_testing_hook_libuv(void)
{
    return uv_replace_allocator(uv_malloc_hook, uv_realloc_hook,
                                uv_calloc_hook, uv_free_hook);
}

int
asyncio_testing_loop_factory(asyncio_loop_t **ret_loop)
{
    static const asyncio_loop_new_options_t options = {
        .size = sizeof options, .clock = ASYNCIO_CLOCK_VIRTUAL};

    return asyncio_loop_new(&options, ret_loop);
}

int
asyncio_testing_run(asyncio_coro_t coro)
{
    static const asyncio_run_options_t options = {
        .size = sizeof options, .loop_factory = asyncio_testing_loop_factory};

    return asyncio_run(coro, &options);
}

int
asyncio_testing_advance(asyncio_loop_t *loop, double seconds)
{
    if (!loop->virtual_clock || !(seconds >= 0))
        return UV_EINVAL;
    loop->virtual_now += seconds;
    return 0;
}

int
asyncio_set_allocator(const asyncio_allocator_t *allocator)
{
    struct aio__allocator own;

    if (aio__counters_sum(AIO__COUNT_BYTES) != 0)
        return UV_EBUSY;
    if (allocator == NULL) {
        aio__alloc_set(NULL);
        return 0;
    }
    own = (struct aio__allocator){.malloc = allocator->malloc,
                                  .realloc = allocator->realloc,
                                  .free = allocator->free};
    aio__alloc_set(&own);
    return 0;
}
