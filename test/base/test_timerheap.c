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
reserve(int count)
{
    for (int i = 0; i < count; i++)
        assert_r(aio__timerheap_reserve(&heap), 0);
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
    int i = (int) (slot->timer - timers);
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
    ck_assert_int_eq((int) (aio__timerheap_first(&heap)->timer - timers), 0);
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
    ck_assert(!aio__timer_armed(&timers[1]));
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
        if (aio__timer_armed(&timers[i])
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
        if (aio__timer_armed(&timers[i])) {
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
            ck_assert_ptr_eq(aio__timerheap_first(&heap)->timer,
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
    assert_r(aio__timerheap_reserve(&heap), -ENOMEM);
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
        aio__timerheap_release(&heap);
        aio__alloc_fail(1, true);
        assert_r(aio__timerheap_reserve(&heap), 0);
    }
    aio__alloc_fail(0, false);
    aio__timerheap_fini(&heap);
}
