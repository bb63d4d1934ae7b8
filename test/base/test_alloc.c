/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include "base/alloc.h"
#include "base/counters.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int64_t
bytes(void)
{
    return aio__counters_sum(AIO__COUNT_BYTES);
}

PLAIN(bytes_are_counted_while_they_are_held)
{
    int64_t before = bytes();
    void *memory = aio__alloc(100);
    ck_assert_int_eq(bytes() - before, 100);
    memory = aio__realloc(memory, 100, 250);
    ck_assert_int_eq(bytes() - before, 250);
    aio__free(memory, 250);
    ck_assert_int_eq(bytes() - before, 0);
}

PLAIN(nothing_may_be_freed)
{
    aio__free(NULL, 0);
    aio__strfree(NULL);
}

PLAIN(no_bytes_are_memory_too)
{
    void *memory = aio__alloc(0);
    ck_assert_ptr_nonnull(memory);
    aio__free(memory, 0);
}

PLAIN(calloc_gives_zeros)
{
    static const char zeros[64];
    char *memory = aio__calloc(4, 16);
    ck_assert_mem_eq(memory, zeros, 64);
    aio__free(memory, 64);
}

PLAIN(a_product_that_overflows_is_no_memory)
{
    ck_assert_ptr_null(aio__calloc(SIZE_MAX / 2, 3));
}

PLAIN(a_copied_string_is_equal_and_another)
{
    const char *text = "text";
    char *copy = aio__strdup(text);
    ck_assert_str_eq(copy, text);
    ck_assert_ptr_ne(copy, text);
    aio__strfree(copy);
}

/* Whether the nth of five allocations fails, as bits. */
static unsigned
failures(void)
{
    unsigned bits = 0;

    for (int i = 0; i < 5; i++) {
        void *memory = aio__alloc(8);
        if (memory == NULL)
            bits |= 1U << i;
        aio__free(memory, 8);
    }
    return bits;
}

PLAIN(the_nth_allocation_fails_alone)
{
    aio__alloc_fail(2, false);
    ck_assert_uint_eq(failures(), 0x02);
    ck_assert_uint_eq(aio__alloc_count(), 5);
}

PLAIN(the_nth_and_all_after_it_fail)
{
    aio__alloc_fail(3, true);
    ck_assert_uint_eq(failures(), 0x1c);
}

PLAIN(none_fails_when_none_is_to)
{
    aio__alloc_fail(1, true);
    aio__alloc_fail(0, false);
    ck_assert_uint_eq(failures(), 0);
}

PLAIN(a_block_that_cannot_grow_stays_as_it_was)
{
    char *memory = aio__alloc(4);
    memcpy(memory, "abc", 4);
    aio__alloc_fail(1, false);
    ck_assert_ptr_null(aio__realloc(memory, 4, 1000));
    ck_assert_str_eq(memory, "abc");
    aio__free(memory, 4);
}

static int calls;

static void *
counting_malloc(size_t size)
{
    calls++;
    return malloc(size);
}

static void *
counting_realloc(void *memory, size_t size)
{
    calls++;
    return realloc(memory, size);
}

static void
counting_free(void *memory)
{
    calls++;
    free(memory);
}

PLAIN(another_allocator_is_used_for_everything)
{
    static const struct aio__allocator mine = {
        counting_malloc, counting_realloc, counting_free};

    aio__alloc_set(&mine);
    void *memory = aio__alloc(8);
    memory = aio__realloc(memory, 8, 16);
    aio__free(memory, 16);
    ck_assert_int_eq(calls, 3);
    aio__alloc_set(NULL);
    aio__free(aio__alloc(1), 1);
    ck_assert_int_eq(calls, 3);
}
