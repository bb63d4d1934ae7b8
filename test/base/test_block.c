/* SPDX-License-Identifier: MIT */
/* Free blocks are kept for those who need them again soon, and not for ever. */
#include "behaviour.h"

#include "base/block.h"

enum { MANY = 1000, SIZE = 100 };

static void *blocks[MANY];

static uint32_t
kept(void)
{
    return aio__blocks.count[aio__block_class(SIZE)];
}

static void
use(int count)
{
    for (int i = 0; i < count; i++) {
        blocks[i] = aio__block_alloc(SIZE);
        ck_assert_ptr_nonnull(blocks[i]);
    }
    for (int i = 0; i < count; i++)
        aio__block_free(blocks[i], SIZE);
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
