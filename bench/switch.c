/* SPDX-License-Identifier: MIT */
/*
 * What a task switch costs: from one stack to another, one way.
 *
 * All three back-ends, with the switch 0 to 3 calls deep on both sides. The
 * depth is what differs in real programs: a `ret` after a switch returns to
 * where the processor does not expect it, so every frame on the way costs a
 * misprediction, unless the switch is inlined into the loop. Beside them an
 * empty call, below which nothing can be, and two threads handing over with a
 * futex on one core, which is what coroutines replace.
 */
#include "bench.h"
#include "coro/switch.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

enum { STACK_BYTES = 64 * 1024, DEPTHS = 4 };

static struct aio__context here, there;

/* Not inlined, and not a tail call either: there is something to come back
 * to, so the frame is real. */
#define FRAME() __asm__ volatile("" : : : "memory")

static NOINLINE void
empty(void)
{
    FRAME();
}

static NOINLINE void
switch_1(struct aio__context *from, struct aio__context *to)
{
    aio__switch(from, to);
    FRAME();
}

static NOINLINE void
switch_2(struct aio__context *from, struct aio__context *to)
{
    switch_1(from, to);
    FRAME();
}

static NOINLINE void
switch_3(struct aio__context *from, struct aio__context *to)
{
    switch_2(from, to);
    FRAME();
}

/* One function a depth, so that depth 0 is inlined into both loops. */
#define DEPTH(depth, do_switch)                                               \
    static void partner_##depth(void *arg)                                    \
    {                                                                         \
        (void) arg;                                                           \
        for (;;)                                                              \
            do_switch(&there, &here);                                         \
    }                                                                         \
    static void round_trips_##depth(uint64_t n)                               \
    {                                                                         \
        for (uint64_t i = 0; i < n; i++)                                      \
            do_switch(&here, &there);                                         \
    }

DEPTH(0, aio__switch)
DEPTH(1, switch_1)
DEPTH(2, switch_2)
DEPTH(3, switch_3)

static void (*const partners[DEPTHS])(void *) = {
    partner_0, partner_1, partner_2, partner_3};
static void (*const round_trips[DEPTHS])(uint64_t) = {
    round_trips_0, round_trips_1, round_trips_2, round_trips_3};

static void
measure_backend(struct bench *bench, enum aio__switch_backend backend)
{
    if (!aio__switch_force(backend))
        bench_skip("switch: no %s back-end here", aio__switch_name(backend));
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        abort();
    aio__switch_make(&there, stack, STACK_BYTES, partners[bench->arg], NULL);
    round_trips[bench->arg](1); /* the first entry is another path */
    bench_start(bench);
    round_trips[bench->arg](bench->n / 2);
    bench_stop(bench);
    munmap(stack, STACK_BYTES);
}

static void
asm_backend(struct bench *bench)
{
    measure_backend(bench, AIO__SWITCH_ASM);
}

static void
sjlj_backend(struct bench *bench)
{
    measure_backend(bench, AIO__SWITCH_SJLJ);
}

static void
ucontext_backend(struct bench *bench)
{
    measure_backend(bench, AIO__SWITCH_UCONTEXT);
}

static void
call(struct bench *bench)
{
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++)
        empty();
    bench_stop(bench);
}

/* Two threads: whose turn it is, and a futex on that word. */
static _Atomic int turn;

static void
futex(int operation, int value)
{
    syscall(SYS_futex, &turn, operation, value, NULL, NULL, 0);
}

static void
await_turn(int mine)
{
    while (atomic_load(&turn) != mine)
        futex(FUTEX_WAIT_PRIVATE, !mine);
}

static void
give_turn(int to)
{
    atomic_store(&turn, to);
    futex(FUTEX_WAKE_PRIVATE, 1);
}

static void *
thread_partner(void *arg)
{
    for (uint64_t i = *(const uint64_t *) arg; i > 0; i--) {
        await_turn(1);
        give_turn(0);
    }
    return NULL;
}

static void
threads(struct bench *bench)
{
    uint64_t rounds = bench->n / 2;
    pthread_t partner;

    turn = 0;
    if (pthread_create(&partner, NULL, thread_partner, &rounds) != 0)
        abort();
    bench_start(bench);
    for (uint64_t i = 0; i < rounds; i++) {
        give_turn(1);
        await_turn(0);
    }
    bench_stop(bench);
    pthread_join(partner, NULL);
}

#define BACKEND(depth, backend)                                               \
    {                                                                         \
        .name = "switch/" #depth, .run = backend##_backend, .arg = depth,     \
        .peer = "libasyncio " #backend                                        \
    }

static const struct bench_case cases[] = {
    {.name = "call", .run = call, .peer = "empty call"},
    BACKEND(0, asm),
    BACKEND(1, asm),
    BACKEND(2, asm),
    BACKEND(3, asm),
    BACKEND(0, sjlj),
    BACKEND(1, sjlj),
    BACKEND(2, sjlj),
    BACKEND(3, sjlj),
    BACKEND(0, ucontext),
    BACKEND(1, ucontext),
    BACKEND(2, ucontext),
    BACKEND(3, ucontext),
    {.name = "switch/0", .run = threads, .peer = "pthread"},
    {0},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, "libasyncio", cases);
}
