/* SPDX-License-Identifier: MIT */
/*
 * The first program: a coroutine that sleeps. hello.py is its Python twin.
 *
 * A coroutine function takes a pointer and returns `>= 0`, or an error code.
 * Awaiting is an ordinary call whose result matters: asyncio_sleep() can be
 * cancelled, by Ctrl-C for one.
 */
#include <asyncio.h>
#include <stdio.h>

static int
hello(void *arg)
{
    (void) arg;
    puts("Hello...");
    int r = asyncio_sleep(5);
    if (r < 0)
        return r;
    puts("World!");
    return 0;
}

int
main(void)
{
    int status = asyncio_main(asyncio_coro(hello));
    puts("Hello Outside coroutines");
    return status;
}
