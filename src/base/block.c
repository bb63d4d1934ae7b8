/* SPDX-License-Identifier: MIT */
/*
 * Where blocks come from and where they end: the allocator, in the sizes of
 * their classes, so that any free block of a class fits.
 */
#include "base/block.h"

#include "config.h"

#if AIO__HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

aio__thread_local struct aio__blocks aio__blocks;

/* Reusing memory by ourselves would hide its misuse. Other tools of valgrind
 * than memcheck answer 0 to what it is asked here. */
static bool
checked(void)
{
#if AIO__ASAN || AIO__TSAN
    return true;
#elif AIO__HAVE_VALGRIND
    char byte = 0, bits = 0;

    return VALGRIND_GET_VBITS(&byte, &bits, 1) == 1;
#else
    return false;
#endif
}

static size_t
rounded(size_t size)
{
    size_t class = aio__block_class(size);

    return class < AIO__BLOCK_CLASSES && !checked() ? aio__block_size(class)
                                                    : size;
}

void *
aio__block_more(size_t size)
{
    void *memory = aio__alloc(rounded(size));

    if (memory != NULL)
        aio__count(AIO__COUNT_BYTES, (int64_t) size - (int64_t) rounded(size));
    return memory;
}

void
aio__block_surplus(void *memory, size_t size)
{
    if (aio__blocks.keep == 0 && !checked()) {
        aio__blocks.keep = AIO__BLOCK_KEEP;
        aio__block_free(memory, size);
        return;
    }
    aio__count(AIO__COUNT_BYTES, (int64_t) rounded(size) - (int64_t) size);
    aio__free(memory, rounded(size));
}

void
aio__blocks_trim(void)
{
    for (size_t class = 0; class < AIO__BLOCK_CLASSES; class++) {
        struct aio__block *block;

        while ((block = aio__blocks.free[class]) != NULL) {
            aio__blocks.free[class] = block->next;
            aio__count(AIO__COUNT_BYTES, (int64_t) aio__block_size(class));
            aio__free(block, aio__block_size(class));
        }
        aio__blocks.count[class] = 0;
    }
}
