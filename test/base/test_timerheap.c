/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include "base/alloc.h"
#include "base/timerheap.h"

#include <errno.h>
#include <stdlib.h>

enum { MANY = 500 };

static struct aio__timerheap heap;
static struct aio__timer timers[MANY];

static void
on_fire(struct aio__timer *timer)
{
    (void) timer;
}

static void
reserve(int count)
{
    for (int i = 0; i < count; i++)
        assert_r(aio__timerheap_reserve(&heap, &timers[i], on_fire), 0);
}

static void
arm(int i, double when)
{
    aio__timerheap_insert(&heap, &timers[i], when);
}

/* Take the first one out, and tell which it was; -1 for none. */
static int
pop(void)
{
    const struct aio__timer_slot *slot = aio__timerheap_first(&heap);

    if (slot == NULL)
        return -1;
    int i = (int) (aio__timerheap_timer(&heap, slot) - timers);
    aio__timerheap_remove(&heap, &timers[i]);
    return i;
}

PLAIN(timers_leave_by_time)
{
    reserve(3);
    arm(0, 3);
    arm(1, 1);
    arm(2, 2);
    aio__timerheap_merge(&heap);
    ck_assert_int_eq(pop(), 1);
    ck_assert_int_eq(pop(), 2);
    ck_assert_int_eq(pop(), 0);
    ck_assert_int_eq(pop(), -1);
    aio__timerheap_fini(&heap);
}

PLAIN(equal_times_keep_the_order_in_which_they_were_armed)
{
    reserve(MANY);
    for (int i = 0; i < MANY; i++)
        arm(i, i % 3);
    aio__timerheap_merge(&heap);
    for (int when = 0; when < 3; when++)
        for (int i = when; i < MANY; i += 3)
            ck_assert_int_eq(pop(), i);
    aio__timerheap_fini(&heap);
}

PLAIN(a_fresh_timer_is_not_seen_before_the_merge)
{
    reserve(2);
    arm(0, 2);
    aio__timerheap_merge(&heap);
    arm(1, 1);
    ck_assert_ptr_eq(
        aio__timerheap_timer(&heap, aio__timerheap_first(&heap)), &timers[0]);
    aio__timerheap_merge(&heap);
    ck_assert_int_eq(pop(), 1);
    ck_assert_int_eq(pop(), 0);
    aio__timerheap_fini(&heap);
}

PLAIN(a_fresh_timer_can_be_disarmed)
{
    reserve(3);
    for (int i = 0; i < 3; i++)
        arm(i, i);
    aio__timerheap_remove(&heap, &timers[1]);
    ck_assert(!aio__timer_armed(&heap, &timers[1]));
    aio__timerheap_merge(&heap);
    ck_assert_int_eq(pop(), 0);
    ck_assert_int_eq(pop(), 2);
    ck_assert_int_eq(pop(), -1);
    aio__timerheap_fini(&heap);
}

PLAIN(disarming_twice_does_nothing)
{
    reserve(2);
    arm(0, 1);
    arm(1, 2);
    aio__timerheap_merge(&heap);
    aio__timerheap_remove(&heap, &timers[0]);
    aio__timerheap_remove(&heap, &timers[0]);
    ck_assert_int_eq(pop(), 1);
    aio__timerheap_fini(&heap);
}

PLAIN(a_timer_can_be_armed_again)
{
    reserve(2);
    arm(0, 1);
    arm(1, 2);
    aio__timerheap_merge(&heap);
    ck_assert_int_eq(pop(), 0);
    arm(0, 3);
    aio__timerheap_merge(&heap);
    ck_assert_int_eq(pop(), 1);
    ck_assert_int_eq(pop(), 0);
    aio__timerheap_fini(&heap);
}

/* What a plain array says that the heap must give next. */
static int
expected_first(const double *when)
{
    int least = -1;

    for (int i = 0; i < MANY; i++)
        if (aio__timer_armed(&heap, &timers[i])
            && (least < 0 || when[i] < when[least]))
            least = i;
    return least;
}

PLAIN(any_mix_of_arming_and_disarming_agrees_with_an_array, .times = 20)
{
    double when[MANY];

    srand((unsigned) _i);
    reserve(MANY);
    for (int step = 0; step < 3000; step++) {
        int i = rand() % MANY;
        if (aio__timer_armed(&heap, &timers[i])) {
            aio__timerheap_remove(&heap, &timers[i]);
        } else {
            /* Distinct, so that an array knows the order as well. */
            when[i] = (rand() % 64) * MANY + i;
            arm(i, when[i]);
        }
        if (rand() % 4 != 0)
            continue;
        aio__timerheap_merge(&heap);
        int first = expected_first(when);
        if (rand() % 2 == 0)
            ck_assert_int_eq(pop(), first);
        else if (first >= 0)
            ck_assert_ptr_eq(
                aio__timerheap_timer(&heap, aio__timerheap_first(&heap)),
                &timers[first]);
    }
    aio__timerheap_merge(&heap);
    for (int first; (first = expected_first(when)) >= 0;)
        ck_assert_int_eq(pop(), first);
    ck_assert_int_eq(pop(), -1);
    aio__timerheap_fini(&heap);
}

PLAIN(reserving_fails_without_memory_and_changes_nothing)
{
    aio__alloc_fail(1, false);
    assert_r(aio__timerheap_reserve(&heap, &timers[0], on_fire), -ENOMEM);
    ck_assert(!aio__timer_armed(&heap, &timers[0]));
    reserve(2);
    arm(0, 1);
    aio__timerheap_merge(&heap);
    ck_assert_int_eq(pop(), 0);
    aio__timerheap_fini(&heap);
}

PLAIN(a_released_slot_is_reserved_again_without_memory)
{
    reserve(16);
    for (int i = 0; i < 100; i++) {
        aio__timerheap_release(&heap, &timers[i % 16]);
        aio__alloc_fail(1, true);
        assert_r(aio__timerheap_reserve(&heap, &timers[i % 16], on_fire), 0);
    }
    aio__alloc_fail(0, false);
    aio__timerheap_fini(&heap);
}

PLAIN(slots_go_to_others_and_timers_keep_theirs)
{
    reserve(20);
    arm(19, 2);
    for (int i = 0; i < 10; i++)
        aio__timerheap_release(&heap, &timers[i]);
    for (int i = 0; i < 10; i++)
        assert_r(aio__timerheap_reserve(&heap, &timers[100 + i], on_fire), 0);
    for (int i = 0; i < 10; i++)
        arm(100 + i, i % 2 == 0 ? 1 : 3);
    aio__timerheap_merge(&heap);
    for (int i = 0; i < 10; i += 2)
        ck_assert_int_eq(pop(), 100 + i);
    ck_assert_int_eq(pop(), 19);
    for (int i = 1; i < 10; i += 2)
        ck_assert_int_eq(pop(), 100 + i);
    ck_assert_int_eq(pop(), -1);
    aio__timerheap_fini(&heap);
}

PLAIN(a_timer_without_a_slot_is_neither_disarmed_nor_released)
{
    static struct aio__timer stranger;

    aio__timerheap_remove(&heap, &stranger);
    reserve(1);
    arm(0, 1);
    aio__timerheap_remove(&heap, &stranger);
    aio__timerheap_release(&heap, &stranger);
    ck_assert(aio__timer_armed(&heap, &timers[0]));
    aio__timerheap_fini(&heap);
    aio__timerheap_remove(&heap, &timers[0]);
    aio__timerheap_release(&heap, &timers[0]);
}

/* The number that tells equal times apart has 32 bits. */
PLAIN(equal_times_keep_their_order_for_ever, .times = 12)
{
    reserve(12);
    arm(0, 2);
    arm(1, 1);
    aio__timerheap_merge(&heap);
    heap.sequence = UINT32_MAX - (uint32_t) _i;
    for (int i = 2; i < 12; i++) {
        arm(i, i % 3);
        if (i == 7)
            aio__timerheap_merge(&heap);
    }
    aio__timerheap_remove(&heap, &timers[8]);
    arm(8, 2); /* is now the last of its time */
    aio__timerheap_merge(&heap);
    static const int order[] = {3, 6, 9, 1, 4, 7, 10, 0, 2, 5, 11, 8};
    for (int i = 0; i < 12; i++)
        ck_assert_int_eq(pop(), order[i]);
    aio__timerheap_fini(&heap);
}

/* Four slots are a cache line. */
PLAIN(the_children_of_a_node_share_a_cache_line)
{
    for (int i = 0; i < MANY; i++) {
        assert_r(aio__timerheap_reserve(&heap, &timers[i], on_fire), 0);
        ck_assert_uint_eq((uintptr_t) &heap.slots[1] % 64, 0);
    }
    aio__timerheap_fini(&heap);
}
