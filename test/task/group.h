/* SPDX-License-Identifier: MIT */
/* What the tests of task groups share. */
#ifndef TEST_TASK_GROUP_H
#define TEST_TASK_GROUP_H

#include "scenes.h"

static asyncio_task_group_t g;

static inline void
enter(asyncio_task_group_t *group)
{
    asyncio_task_group_enter(asyncio_task_group_init(group));
}

/* A child that sleeps and then returns that. */
static inline asyncio_task_t *
add(asyncio_task_group_t *group, double seconds, int result)
{
    return asyncio_task_group_create_task(
        group, asyncio_coro(nap, .seconds = seconds, .result = result));
}

/* `r` is an error group of `count` errors with that code. */
static inline void
assert_group(int r, size_t count, int code)
{
    const asyncio_exception_t *e = asyncio_current_exception();

    assert_r(r, ASYNCIO_ERR_EXCEPTION_GROUP);
    ck_assert_str_eq(asyncio_exception_message(e),
                     "unhandled errors in a TaskGroup");
    ck_assert_uint_eq(asyncio_error_group_count(e), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(
            asyncio_exception_code(asyncio_error_group_get(e, i)), code);
}

#endif
