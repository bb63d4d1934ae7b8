/* SPDX-License-Identifier: MIT */
/* Free blocks are kept for those who need them again soon, and not for ever. */
#include "behaviour.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/block.h"

enum { MANY = 1000, SIZE = 100 };

static void *blocks[MANY];

static uint32_t
kept(void)
{
    return aio__blocks.count[aio__block_class(SIZE)];
}

static void
take(int count)
{
    for (int i = 0; i < count; i++) {
        blocks[i] = aio__block_alloc(SIZE);
        ck_assert_ptr_nonnull(blocks[i]);
    }
}

static void
give(int count)
{
    for (int i = 0; i < count; i++)
        aio__block_free(blocks[i], SIZE);
}

static void
use(int count)
{
    take(count);
    give(count);
}

/* Memory checkers want to see every block come and go. */
static bool
keeps(void)
{
    use(1);
    return aio__blocks.keeps;
}

PLAIN(what_was_needed_at_once_is_kept)
{
    if (!keeps())
        return;
    use(MANY);
    ck_assert_uint_eq(kept(), MANY);
    use(MANY);
    ck_assert_uint_eq(kept(), MANY);
    aio__blocks_give_back();
    ck_assert_uint_eq(kept(), 0);
}

PLAIN(what_nobody_needed_for_a_second_goes_some_at_a_time)
{
    if (!keeps())
        return;
    aio__blocks_trim(10);
    use(MANY);
    aio__blocks_trim(10.9);
    aio__blocks_trim(11.1); /* all were needed in the second before */
    ck_assert_uint_eq(kept(), MANY);
    aio__blocks_trim(12.2);
    ck_assert_uint_eq(kept(), MANY - AIO__BLOCK_TRIM);
    for (int i = 0; i < 10; i++)
        aio__blocks_trim(12.3);
    ck_assert_uint_eq(kept(), AIO__BLOCK_KEEP);
    aio__blocks_trim(13.4);
    ck_assert_uint_eq(kept(), AIO__BLOCK_KEEP);
    aio__blocks_give_back();
}

PLAIN(what_is_needed_every_second_stays)
{
    if (!keeps())
        return;
    use(MANY);
    for (int i = 0; i < 10; i++) {
        use(MANY - 100);
        aio__blocks_trim(i * 1.1);
    }
    /* A hundred were in no use; a few of those that are free stay anyway. */
    ck_assert_uint_eq(kept(), MANY);
    use(MANY / 2);
    aio__blocks_trim(12.1);
    use(MANY / 2);
    aio__blocks_trim(13.2);
    ck_assert_uint_eq(kept(),
                      MANY - (MANY - MANY / 2 - AIO__BLOCK_KEEP));
    aio__blocks_give_back();
}

PLAIN(those_that_stay_are_not_trimmed_when_others_were_taken)
{
    uint32_t left;

    if (!keeps())
        return;
    aio__blocks_trim(10);
    use(MANY);
    aio__blocks_trim(11.1);
    aio__blocks_trim(12.2); /* finds nearly all of them unused */
    take(MANY / 2);
    ck_assert_uint_lt(kept(), AIO__BLOCK_KEEP);
    left = kept();
    aio__blocks_trim(12.3);
    ck_assert_uint_eq(kept(), left);
    give(MANY / 2);
    aio__blocks_give_back();
}

static void *
take_all(void *arg)
{
    take(MANY);
    return arg;
}

static void
in_thread(void *(*body)(void *arg))
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, body, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

PLAIN(what_other_threads_made_is_not_kept)
{
    if (!keeps())
        return;
    for (int i = 0; i < 5; i++) {
        in_thread(take_all);
        give(MANY);
    }
    ck_assert_uint_le(kept(), AIO__BLOCK_KEEP + 1);
    aio__blocks_give_back();
}

/* Blocks that the allocator has given out. */
static atomic_int given_out;

static void *
count_malloc(size_t size)
{
    atomic_fetch_add(&given_out, 1);
    return malloc(size);
}

static void
count_free(void *memory)
{
    atomic_fetch_sub(&given_out, 1);
    free(memory);
}

static void *
use_all(void *arg)
{
    use(MANY);
    return arg;
}

PLAIN(a_thread_that_ends_keeps_nothing)
{
    aio__alloc_set(&(struct aio__allocator){count_malloc, realloc, count_free});
    in_thread(use_all);
    aio__alloc_set(NULL);
    ck_assert_int_eq(given_out, 0);
}
