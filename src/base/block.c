/* SPDX-License-Identifier: MIT */
/*
 * Where blocks come from and where they end: the allocator, in the sizes of
 * their classes, so that any free block of a class fits.
 */
#include "base/block.h"

#include <math.h>
#include <pthread.h>

#include "config.h"

#if AIO__HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define LOOK_INTERVAL 1.0 /* seconds */

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

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void
on_thread_end(void *value)
{
    (void) value;
    aio__blocks_give_back();
    aio__blocks.keeps = false;
    for (size_t class = 0; class < AIO__BLOCK_CLASSES; class++)
        aio__blocks.keep[class] = 0;
}

static void
make_key(void)
{
    pthread_key_create(&key, on_thread_end);
}

/* Whether this thread keeps blocks; found out when first asked. */
static bool
keeps(void)
{
    if (aio__likely(aio__blocks.known))
        return aio__blocks.keeps;
    aio__blocks.known = true;
    aio__blocks.keeps = !checked();
    if (aio__blocks.keeps) {
        pthread_once(&once, make_key);
        pthread_setspecific(key, &aio__blocks);
        for (size_t class = 0; class < AIO__BLOCK_CLASSES; class++)
            aio__blocks.keep[class] = AIO__BLOCK_KEEP;
    }
    return aio__blocks.keeps;
}

static size_t
rounded(size_t size)
{
    size_t class = aio__block_class(size);

    return class < AIO__BLOCK_CLASSES && keeps() ? aio__block_size(class)
                                                 : size;
}

void *
aio__block_more(size_t size)
{
    size_t class = aio__block_class(size), room = rounded(size);
    void *memory = aio__alloc(room);

    if (memory == NULL)
        return NULL;
    aio__count(AIO__COUNT_BYTES, (int64_t) size - (int64_t) room);
    if (class < AIO__BLOCK_CLASSES && keeps()
        && aio__blocks.free[class] == NULL) /* else an allocator is watched */
        aio__blocks.keep[class]++;
    return memory;
}

/* One of a class went back to the allocator. */
static void
keep_less(size_t class)
{
    if (aio__blocks.keep[class] > AIO__BLOCK_KEEP)
        aio__blocks.keep[class]--;
}

void
aio__block_surplus(void *memory, size_t size)
{
    size_t class = aio__block_class(size), room;

    if (!aio__blocks.known && keeps()) {
        aio__block_free(memory, size);
        return;
    }
    room = rounded(size);
    aio__count(AIO__COUNT_BYTES, (int64_t) room - (int64_t) size);
    aio__free(memory, room);
    if (class < AIO__BLOCK_CLASSES)
        keep_less(class);
}

/* The warmest go first, because a list has no other end. */
static void
give_back(size_t class, uint32_t count)
{
    for (; count > 0; count--) {
        struct aio__block *block = aio__blocks.free[class];

        aio__blocks.free[class] = block->next;
        aio__blocks.count[class]--;
        aio__count(AIO__COUNT_BYTES, (int64_t) aio__block_size(class));
        aio__free(block, aio__block_size(class));
        keep_less(class);
    }
    if (aio__blocks.unused[class] > aio__blocks.count[class])
        aio__blocks.unused[class] = aio__blocks.count[class];
}

void
aio__blocks_give_back(void)
{
    for (size_t class = 0; class < AIO__BLOCK_CLASSES; class++) {
        give_back(class, aio__blocks.count[class]);
        aio__blocks.surplus[class] = 0;
    }
    aio__blocks.has_surplus = false;
}

static uint32_t
above_keep(size_t class)
{
    uint32_t count = aio__blocks.count[class];

    return count > AIO__BLOCK_KEEP ? count - AIO__BLOCK_KEEP : 0;
}

/* So many may go: what nobody needed since the last look, but for a few. */
static uint32_t
surplus_of(size_t class)
{
    uint32_t unused = aio__blocks.unused[class];

    aio__blocks.unused[class] = aio__blocks.count[class];
    return unused > AIO__BLOCK_KEEP ? unused - AIO__BLOCK_KEEP : 0;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void
aio__blocks_trim(double now)
{
    uint32_t most = AIO__BLOCK_TRIM;

    if (fabs(now - aio__blocks.looked) >= LOOK_INTERVAL) {
        for (size_t class = 0; class < AIO__BLOCK_CLASSES; class++)
            aio__blocks.surplus[class] = surplus_of(class);
        aio__blocks.has_surplus = true;
        aio__blocks.looked = now;
    }
    if (!aio__blocks.has_surplus)
        return;
    for (size_t class = 0; class < AIO__BLOCK_CLASSES; class++) {
        uint32_t *surplus = &aio__blocks.surplus[class];
        uint32_t count = least(least(*surplus, most), above_keep(class));

        give_back(class, count);
        *surplus -= count;
        most -= count;
    }
    aio__blocks.has_surplus = most == 0;
}
