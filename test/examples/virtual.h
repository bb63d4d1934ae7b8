/* SPDX-License-Identifier: MIT */
/*
 * Included before the first line of an example (with -include): the example
 * runs on a virtual clock, and its main() is called by the one of virtual.c.
 */
#ifndef VIRTUAL_H
#define VIRTUAL_H

#include <asyncio.h>
#include <asyncio/testing.h>

#undef asyncio_main
#define asyncio_main(coro_)                                                    \
    asyncio_main(coro_, &(const asyncio_run_options_t){                        \
                            .size = sizeof(asyncio_run_options_t),             \
                            .loop_factory = asyncio_testing_loop_factory})

#define main example_main
int example_main(void);

#endif
