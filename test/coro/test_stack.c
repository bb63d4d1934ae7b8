/* SPDX-License-Identifier: MIT */
/*
 * Stacks and their pool: guards of every kind, reuse, colours, giving back,
 * and what happens when there are no more.
 */
#include "behaviour.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counters.h"
#include "coro/coro.h"

enum { MANY = 200 };

static const char *const guards[] = {"madvise", "mprotect", "none"};

static void
entry(void *arg)
{
    (void) arg;
}

/* Take `count` coroutines; none of them is ever entered. */
static void
take(struct aio__coro_pool *pool, struct aio__coro **coros, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(aio__coro_take(pool, &coros[i]), 0);
}

static void
park(struct aio__coro **coros, int count)
{
    for (int i = 0; i < count; i++)
        aio__coro_park(coros[i]);
}

static struct aio__coro_pool pool;
static struct aio__coro *coros[MANY];

static void
open_pool(size_t size, uint32_t idle_max)
{
    aio__switch_select(NULL);
    ck_assert_int_eq(aio__coro_pool_init(&pool, size, idle_max, entry, NULL),
                     0);
}

PLAIN(a_stack_has_a_guard_of_the_kind_that_was_asked_for, .times = 3)
{
    char *low;
    size_t size;
    struct aio__stacks stacks;

    setenv("ASYNCIO_GUARD", guards[_i], 1);
    ck_assert_int_eq(aio__stacks_init(&stacks, 0), 0);
    ck_assert_int_eq(aio__stacks_take(&stacks, &low, &size), 0);
    if (_i == 1)
        ck_assert_int_eq(aio__stack_guard(), AIO__GUARD_MPROTECT);
    if (_i == 2)
        ck_assert_int_eq(aio__stack_guard(), AIO__GUARD_NONE);
    ck_assert_uint_eq(size, stacks.size - stacks.guard);
    ck_assert_uint_ge(stacks.guard, 64 * 1024);
    memset(low, 1, size); /* all of it is ours */
    aio__stacks_give(&stacks, low);
    ck_assert_int_eq(low[0], 0);
    aio__stacks_fini(&stacks);
}

static void
touch_guard(void *byte)
{
    *(volatile char *) byte = 1;
}

PLAIN(no_byte_of_a_guard_can_be_touched, .times = 2)
{
    static const ptrdiff_t at[] = {-1, -64 * 1024};
    char *low;
    size_t size;
    struct aio__stacks stacks;

    setenv("ASYNCIO_GUARD", guards[_i], 1);
    ck_assert_int_eq(aio__stacks_init(&stacks, 0), 0);
    ck_assert_int_eq(aio__stacks_take(&stacks, &low, &size), 0);
    if (!AIO__ASAN && !AIO__TSAN)
        for (int i = 0; i < 2; i++)
            assert_dies(touch_guard, low + at[i], SIGSEGV, "");
    aio__stacks_give(&stacks, low);
    aio__stacks_fini(&stacks);
}

/* As the kernel sees it, without a signal. */
static bool
is_there(char *at)
{
    char byte;
    struct iovec to = {&byte, 1}, from = {at, 1};

    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

/* An emulator cannot tell, and needs memory of its own. */
static bool
is_emulated(void)
{
    char byte = 0;

    return !is_there(&byte);
}

PLAIN(each_of_many_stacks_has_its_guard, .times = 2)
{
    char *lows[3 * MANY];
    size_t size;
    struct aio__stacks stacks;

    if (is_emulated())
        return;
    setenv("ASYNCIO_GUARD", guards[_i], 1);
    ck_assert_int_eq(aio__stacks_init(&stacks, 0), 0);
    for (int i = 0; i < 3 * MANY; i++)
        ck_assert_int_eq(aio__stacks_take(&stacks, &lows[i], &size), 0);
    for (int i = 0; i < 3 * MANY; i++) {
        ck_assert(!is_there(lows[i] - stacks.guard));
        ck_assert(!is_there(lows[i] - 1));
        ck_assert(is_there(lows[i]));
        ck_assert(is_there(lows[i] + size - 1));
    }
    aio__stacks_fini(&stacks);
}

static long
resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long total, resident;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &resident), 2);
    fclose(file);
    return resident;
}

/* So that a program with a few tasks does not pay for those it has not. */
PLAIN(memory_made_ahead_is_a_small_part_of_what_is_used)
{
    enum { SLACK = 16 }; /* pages that others need meanwhile */
    char *low;
    size_t size;
    struct aio__stacks stacks;
    long before;

    if (AIO__NOTES || is_emulated())
        return; /* who watches needs memory, too */
    ck_assert_int_eq(aio__stacks_init(&stacks, 0), 0);
    ck_assert_int_eq(aio__stacks_take(&stacks, &low, &size), 0);
    (void) resident_pages(); /* touches what it needs itself */
    before = resident_pages();
    for (int i = 1; i < MANY; i++) {
        ck_assert_int_eq(aio__stacks_take(&stacks, &low, &size), 0);
        memset(low + size - 4096, 1, 4096);
        ck_assert_int_le(resident_pages() - before, i + i / 8 + SLACK);
    }
    aio__stacks_fini(&stacks);
}

PLAIN(small_stacks_have_smaller_guards)
{
    struct aio__stacks stacks;

    ck_assert_int_eq(aio__stacks_init(&stacks, AIO__STACK_MIN), 0);
    ck_assert_uint_eq(stacks.guard, 4096);
    ck_assert_uint_eq(stacks.size, AIO__STACK_MIN);
    aio__stacks_fini(&stacks);
    ck_assert_int_eq(aio__stacks_init(&stacks, AIO__STACK_MIN - 1), -EINVAL);
    ck_assert_int_eq(aio__stacks_init(&stacks, AIO__STACK_MAX + 1), -EINVAL);
    ck_assert_int_eq(aio__stacks_init(&stacks, SIZE_MAX), -EINVAL);
}

PLAIN(a_parked_coroutine_is_taken_again_last_in_first_out)
{
    struct aio__coro *again[3];

    open_pool(0, 16);
    take(&pool, coros, 3);
    park(coros, 3);
    ck_assert_uint_eq(pool.live, 0);
    take(&pool, again, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(again[i], coros[2 - i]);
    park(again, 3);
    aio__coro_pool_fini(&pool);
}

PLAIN(stack_tops_have_different_colours_within_half_a_page)
{
    bool seen[4096 / 64] = {false};
    int colours = 0;

    open_pool(0, 64);
    take(&pool, coros, 64);
    for (int i = 0; i < 64; i++) {
        size_t line = ((uintptr_t) coros[i] & 4095) / 64;

        ck_assert_uint_ge(line, 2048 / 64 - 4);
        colours += !seen[line];
        seen[line] = true;
    }
    ck_assert_int_ge(colours, 20);
    park(coros, 64);
    aio__coro_pool_fini(&pool);
}

PLAIN(no_two_stacks_overlap)
{
    open_pool(64 * 1024, MANY);
    take(&pool, coros, MANY);
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < i; k++) {
            ptrdiff_t apart = coros[i]->low - coros[k]->low;

            ck_assert_int_ge(apart < 0 ? -apart : apart, 64 * 1024);
        }
    park(coros, MANY);
    aio__coro_pool_fini(&pool);
}

PLAIN(idle_stacks_above_the_limit_are_given_back)
{
    int64_t before = aio__counters_sum(AIO__COUNT_STACKS);

    open_pool(0, 10);
    take(&pool, coros, 100);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_STACKS), before + 100);
    park(coros, 100);
    for (int i = 0; i < 100; i++)
        aio__coro_pool_trim(&pool, i * 10.0);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_STACKS), before + 10);
    ck_assert_uint_eq(pool.tail - pool.head, 10);
    take(&pool, coros, 100);
    ck_assert_uint_eq(pool.live, 100);
    park(coros, 100);
    aio__coro_pool_fini(&pool);
    ck_assert_int_eq(aio__counters_sum(AIO__COUNT_STACKS), before);
}

PLAIN(without_memory_a_coroutine_is_refused_and_nothing_is_lost)
{
    for (uint64_t nth = 1; nth <= 4; nth++) {
        open_pool(0, 10);
        aio__alloc_fail(nth, false);
        int r = aio__coro_take(&pool, &coros[0]);
        aio__alloc_fail(0, false);
        ck_assert(r == 0 || r == -ENOMEM);
        if (r < 0)
            ck_assert_int_eq(aio__coro_take(&pool, &coros[0]), 0);
        park(coros, 1);
        aio__coro_pool_fini(&pool);
    }
}

PLAIN(without_address_space_a_coroutine_is_refused)
{
    struct rlimit limit = {(rlim_t) 1 << 31, (rlim_t) 1 << 31};
    int r = 0, made = 0;

    if (AIO__ASAN || AIO__TSAN)
        return; /* their shadows need all of it */
    open_pool((size_t) 256 << 20, 10);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    /* Under an emulator the limit is set and means nothing. */
    void *probe = mmap(NULL, (size_t) 4 << 30, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe != MAP_FAILED) {
        munmap(probe, (size_t) 4 << 30);
        aio__coro_pool_fini(&pool);
        return;
    }
    while (made < MANY && (r = aio__coro_take(&pool, &coros[made])) == 0)
        made++;
    ck_assert_int_eq(r, -ENOMEM);
    ck_assert_int_gt(made, 0);
    park(coros, made);
    aio__coro_pool_fini(&pool);
}
