/* SPDX-License-Identifier: MIT */
#ifndef AIO_CORO_STACK_H
#define AIO_CORO_STACK_H

/*
 * Stacks: slabs of address space, cut into equal stacks, each with a guard
 * region at its low end. Memory is committed by touching it.
 */

#include <stddef.h>
#include <stdint.h>

struct aio__stack_slab;

/* Stacks of one size; belongs to one loop. */
struct aio__stacks {
    size_t size;                   /* of one stack and its guard, bytes */
    size_t guard;                  /* of the guard, bytes */
    struct aio__stack_slab *slabs; /* the newest first, it has uncut ones */
    char **given;                  /* back: low ends of stacks without memory */
    uint32_t given_count;
    uint32_t total;                /* stacks of all slabs; room in `given` */
    uint32_t used;                 /* taken and not given back */
};

#define AIO__STACK_MAX ((size_t) 1 << 40) /* bytes */

enum {
    AIO__STACK_DEFAULT = 256 * 1024, /* bytes */
    AIO__STACK_MIN = 16 * 1024,
    AIO__STACK_GUARD_MAX = 64 * 1024
};

/* How a guard region is made. */
enum aio__guard {
    AIO__GUARD_MADVISE,  /* MADV_GUARD_INSTALL: no extra mapping */
    AIO__GUARD_MPROTECT, /* two mappings a stack, so their number is bounded */
    AIO__GUARD_NONE      /* only ever by explicit choice */
};

/* By ASYNCIO_GUARD=madvise|mprotect|none, else the best the kernel has. */
enum aio__guard aio__stack_guard(void);

/* Up to whole pages, and at least four. */
size_t aio__stack_round(size_t size);

/* `size` 0: the default. -EINVAL for one that is too small or too large. */
int aio__stacks_init(struct aio__stacks *stacks, size_t size);
/* Every stack is unused by now. */
void aio__stacks_fini(struct aio__stacks *stacks);

/* The usable part is [*ret_low, *ret_low + *ret_size). -ENOMEM: no address
 * space, or -EAGAIN: no mapping left for a guard. */
int aio__stacks_take(struct aio__stacks *stacks, char **ret_low,
                     size_t *ret_size);

/* Its memory goes back to the kernel; address space and guard are kept. */
void aio__stacks_give(struct aio__stacks *stacks, char *low);

#endif
