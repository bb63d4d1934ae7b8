/* SPDX-License-Identifier: MIT */
#include "sync/items.h"

#include <stdlib.h>

#include "actors.h"

static asyncio_queue_t queue;

static int
compare(const void *a, const void *b)
{
    return ((intptr_t) a > (intptr_t) b) - ((intptr_t) a < (intptr_t) b);
}

static void
put(intptr_t n)
{
    assert_r(asyncio_queue_put_nowait(&queue, (void *) n), 0);
}

static intptr_t
get(void)
{
    void *item = NULL;

    assert_r(asyncio_queue_get_nowait(&queue, &item), 0);
    return (intptr_t) item;
}

/* parity: test_queues.py PriorityQueueTests test_order */
PLAIN(a_priority_queue_gives_the_smallest_first)
{
    assert_r(asyncio_priority_queue_init(&queue, 0, compare), 0);
    put(1);
    put(3);
    put(2);
    ck_assert_int_eq(get(), 1);
    ck_assert_int_eq(get(), 2);
    ck_assert_int_eq(get(), 3);
    assert_r(asyncio_queue_fini(&queue), 0);
}

PLAIN(a_priority_queue_needs_to_know_what_is_smaller)
{
    assert_r(asyncio_priority_queue_init(&queue, 0, NULL), UV_EINVAL);
}

/* A naive model: the smallest of an array. */
static intptr_t
take_smallest(intptr_t *items, size_t *count)
{
    size_t at = 0;
    intptr_t smallest;

    for (size_t i = 1; i < *count; i++)
        if (items[i] < items[at])
            at = i;
    smallest = items[at];
    items[at] = items[--*count];
    return smallest;
}

PLAIN(a_priority_queue_agrees_with_a_search_through_all, .times = 20)
{
    intptr_t model[400];
    size_t count = 0;
    unsigned seed = (unsigned) _i;

    assert_r(asyncio_priority_queue_init(&queue, 0, compare), 0);
    for (int n = 0; n < 400; n++) {
        if (count == 0 || rand_r(&seed) % 3 > 0) {
            model[count] = rand_r(&seed) % 50;
            put(model[count++]);
        } else {
            ck_assert_int_eq(get(), take_smallest(model, &count));
        }
        ck_assert_uint_eq(asyncio_queue_qsize(&queue), count);
    }
    while (count > 0)
        ck_assert_int_eq(get(), take_smallest(model, &count));
    assert_r(asyncio_queue_fini(&queue), 0);
}

/* Items are equal when their tens are. */
static int
compare_tens(const void *a, const void *b)
{
    return compare((void *) ((intptr_t) a / 10), (void *) ((intptr_t) b / 10));
}

PLAIN(equal_items_come_in_the_order_of_pythons_heap)
{
    /* heapq in Python: pushing these, with those keys, pops them so. */
    static const int pops[] = {10, 11, 13, 12, 22, 21, 20};

    assert_r(asyncio_priority_queue_init(&queue, 0, compare_tens), 0);
    put(20);
    put(10);
    put(11);
    put(21);
    put(12);
    put(22);
    put(13);
    for (size_t i = 0; i < sizeof pops / sizeof *pops; i++)
        ck_assert_int_eq(get(), pops[i]);
    assert_r(asyncio_queue_fini(&queue), 0);
}

PLAIN(a_lifo_queue_gives_the_newest_first)
{
    assert_r(asyncio_lifo_queue_init(&queue, 0), 0);
    for (int i = 0; i < 20; i++)
        put(i);
    for (int i = 19; i >= 0; i--)
        ck_assert_int_eq(get(), i);
    assert_r(asyncio_queue_fini(&queue), 0);
}

PLAIN(a_ring_keeps_its_order_wherever_it_begins_when_it_grows, .times = 8)
{
    int in = 0, out = 0;

    assert_r(asyncio_queue_init(&queue, 0), 0);
    for (int i = 0; i < _i; i++) {
        put(in++);
        ck_assert_int_eq(get(), out++);
    }
    for (int i = 0; i < 100; i++)
        put(in++);
    while (out < in)
        ck_assert_int_eq(get(), out++);
    assert_r(asyncio_queue_fini(&queue), 0);
}

PLAIN(a_queue_that_has_had_so_many_items_needs_no_more_memory)
{
    assert_r(asyncio_queue_init(&queue, 0), 0);
    assert_r(aio__items_reserve(&queue, 20), 0);
    ck_assert_uint_eq(queue.capacity, 32);
    asyncio_testing_fail_alloc(1, true);
    for (int i = 0; i < 32; i++)
        put(i);
    assert_r(asyncio_queue_put_nowait(&queue, NULL), UV_ENOMEM);
    asyncio_testing_fail_alloc(0, false);
    for (int i = 0; i < 32; i++)
        ck_assert_int_eq(get(), i);
    assert_r(asyncio_queue_fini(&queue), 0);
}
