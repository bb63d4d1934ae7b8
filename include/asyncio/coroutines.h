/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_COROUTINES_H
#define ASYNCIO_COROUTINES_H

/**
 * @file coroutines.h
 * Coroutine objects: a function, and the frame it will run on.
 *
 * A coroutine function is `int fn(void *frame)`. Its arguments and results
 * live in a struct of the same name. A coroutine object is a plain value that
 * allocates nothing; what takes it either runs it at once or copies the frame.
 */

#include "export.h"

ASYNCIO_BEGIN_DECLS

/** A coroutine function, or a callback: `>= 0`, or an error code. */
typedef int (*asyncio_coro_fn_t)(void *frame);

/** Where a coroutine object was written. */
typedef struct asyncio_site {
    const char *name; /* of the function */
    const char *file;
    int line;
} asyncio_site_t;

/** A coroutine object; make it with asyncio_coro() or asyncio_coro_at(). */
typedef struct asyncio_coro {
    asyncio_coro_fn_t fn;
    void *frame;                /* in the caller's memory; NULL for none */
    size_t size;                /* of the frame, in bytes */
    const asyncio_site_t *site; /* may be NULL */
} asyncio_coro_t;

/**
 * Make a coroutine object without the macros.
 *
 * @python   coro(arguments)
 * @param    fn     the coroutine function
 * @param    frame  its frame, or NULL
 * @param    size   of the frame, in bytes
 * @return   the object; it points to `frame`
 * @suspends never
 */
static inline asyncio_coro_t
asyncio_coro_new(asyncio_coro_fn_t fn, void *frame, size_t size)
{
    asyncio_coro_t coro;

    coro.fn = fn;
    coro.frame = frame;
    coro.size = size;
    coro.site = NULL;
    return coro;
}

ASYNCIO_END_DECLS

#endif
