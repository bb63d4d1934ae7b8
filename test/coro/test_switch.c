/* SPDX-License-Identifier: MIT */
/*
 * Switching stacks, with each back-end: there and back, what is kept, how
 * deep a new stack goes.
 */
#include "behaviour.h"

#include <stdint.h>
#include <string.h>

#include "coro/coro.h"

static struct aio__coro main_coro, *other, *third;
static int steps;

static struct aio__coro_pool pool;

/* False where the back-end is not available. */
static bool
use(int backend, void (*entry)(void *))
{
    if (!aio__switch_force((enum aio__switch_backend) backend))
        return false;
    aio__notes_thread(&main_coro.notes);
    ck_assert_int_eq(aio__coro_pool_init(&pool, 0, 16, entry, NULL), 0);
    return true;
}

static void
arrive(void *coro)
{
    aio__notes_arrive(&((struct aio__coro *) coro)->notes);
}

static void
to_main(struct aio__coro *coro)
{
    aio__coro_switch(coro, &main_coro, false);
}

/* Park what is suspended for good, and give everything back. */
static void
give_back(struct aio__coro *coro)
{
    aio__coro_park(coro);
    aio__coro_pool_fini(&pool);
}

static void
ping(void *arg)
{
    arrive(arg);
    for (;;) {
        steps++;
        to_main(arg);
    }
}

PLAIN(a_switch_goes_there_and_comes_back, .times = AIO__SWITCH_BACKENDS)
{
    if (!use(_i, ping))
        return;
    ck_assert_int_eq(aio__coro_take(&pool, &other), 0);
    for (int i = 1; i <= 1000; i++) {
        aio__coro_switch(&main_coro, other, false);
        ck_assert_int_eq(steps, i);
    }
    give_back(other);
}

static void
three(void *arg)
{
    arrive(arg);
    for (;;) {
        steps = steps * 10 + 2;
        if (third != NULL && arg == other)
            aio__coro_switch(arg, third, false);
        else
            to_main(arg);
    }
}

PLAIN(coroutines_switch_to_each_other, .times = AIO__SWITCH_BACKENDS)
{
    if (!use(_i, three))
        return;
    ck_assert_int_eq(aio__coro_take(&pool, &other), 0);
    ck_assert_int_eq(aio__coro_take(&pool, &third), 0);
    aio__coro_switch(&main_coro, other, false);
    ck_assert_int_eq(steps, 22);
    aio__coro_switch(&main_coro, other, false);
    ck_assert_int_eq(steps, 2222);
    aio__coro_park(third);
    give_back(other);
}

static __attribute__((noinline)) double
mix(double a, long b, float c)
{
    return a * 3 + (double) b + c;
}

/* Values in as many registers as there are, over a switch. */
static void
keeper(void *arg)
{
    arrive(arg);
    for (;;) {
        volatile long seed = 7;
        long a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11;
        double x = (double) seed / 2, y = (double) seed / 3;
        float z = (float) seed;

        to_main(arg);
        ck_assert_int_eq(a + b + c + d + e, 7 * 27);
        ck_assert_double_eq_tol(mix(x, a, z), 3.5 * 3 + 14, 1e-9);
        ck_assert_double_eq_tol(y, 7.0 / 3, 1e-9);
        steps++;
        to_main(arg);
    }
}

PLAIN(registers_survive_a_switch, .times = AIO__SWITCH_BACKENDS)
{
    volatile long seed = 5;
    long a = seed, b = seed + 1, c = seed + 2, d = seed + 3;
    double x = (double) seed * 1.5;

    if (!use(_i, keeper))
        return;
    ck_assert_int_eq(aio__coro_take(&pool, &other), 0);
    for (int i = 0; i < 4; i++)
        aio__coro_switch(&main_coro, other, false);
    ck_assert_int_eq(steps, 2);
    ck_assert_int_eq(a * 1000 + b * 100 + c * 10 + d, 5678);
    ck_assert_double_eq_tol(x, 7.5, 1e-9);
    give_back(other);
}

static __attribute__((noinline)) uint64_t
deep(int depth)
{
    volatile char frame[1000];

    frame[0] = (char) depth;
    frame[999] = frame[0];
    return depth == 0 ? 1 : deep(depth - 1) + (frame[999] == frame[0]);
}

static void
diver(void *arg)
{
    arrive(arg);
    for (;;) {
        steps += (int) deep(AIO__ASAN ? 50 : 150);
        to_main(arg);
    }
}

PLAIN(a_stack_holds_what_it_says, .times = AIO__SWITCH_BACKENDS)
{
    if (!use(_i, diver))
        return;
    ck_assert_int_eq(aio__coro_take(&pool, &other), 0);
    aio__coro_switch(&main_coro, other, false);
    ck_assert_int_ge(steps, 51);
    give_back(other);
}

static void
aligned(void *arg)
{
    arrive(arg);
    for (;;) {
        _Alignas(32) char block[64];

        memset(block, 1, sizeof block);
        steps += ((uintptr_t) block & 31) == 0;
        to_main(arg);
    }
}

PLAIN(frames_on_a_new_stack_are_aligned, .times = AIO__SWITCH_BACKENDS)
{
    if (!use(_i, aligned))
        return;
    ck_assert_int_eq(aio__coro_take(&pool, &other), 0);
    aio__coro_switch(&main_coro, other, false);
    ck_assert_int_eq(steps, 1);
    give_back(other);
}

PLAIN(a_name_selects_a_back_end)
{
    static const char *const wanted[] = {"asm", "sjlj", "ucontext"};

    for (int i = 0; i < AIO__SWITCH_BACKENDS; i++) {
        ck_assert_str_eq(
            aio__switch_name((enum aio__switch_backend) i), wanted[i]);
        aio__switch_select(wanted[i]);
        if (!AIO__TSAN)
            ck_assert_int_eq(aio__switch_backend, i);
    }
    aio__switch_select("no such thing");
    ck_assert_int_lt(aio__switch_backend, AIO__SWITCH_BACKENDS);
    aio__switch_select(NULL);
    ck_assert_int_lt(aio__switch_backend, AIO__SWITCH_BACKENDS);
}

static void
returns(void *arg)
{
    arrive(arg);
}

static void
run_returns(void *backend)
{
    if (!use(*(int *) backend, returns))
        raise(SIGABRT);
    if (aio__coro_take(&pool, &other) == 0)
        aio__coro_switch(&main_coro, other, false);
}

PLAIN(an_entry_function_that_returns_aborts)
{
    int backend = AIO__SWITCH_UCONTEXT;

    if (!AIO__ASAN)
        assert_dies(run_returns, &backend, SIGABRT, "entry function returned");
}
