/* SPDX-License-Identifier: MIT */
/*
 * A call of an empty function: the floor below every other figure, and a check
 * of the harness (1 to 2 ns, on any machine of the last ten years).
 */
#include "bench.h"

__attribute__((noinline)) static void
empty(void)
{
    __asm__ volatile("" : : : "memory");
}

static void
call(struct bench *bench)
{
    bench_start(bench);
    for (uint64_t i = 0; i < bench->n; i++)
        empty();
    bench_stop(bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "call", .run = call},
        {0},
    };
    return bench_main(argc, argv, "c", cases);
}
