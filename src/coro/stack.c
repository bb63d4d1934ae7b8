/* SPDX-License-Identifier: MIT */
/*
 * Slabs of stacks with guard regions.
 *
 * One mapping holds many stacks, because a mapping each would run into
 * vm.max_map_count (65,530) at 65,530 tasks, and with mprotect() guards at
 * half of that. MADV_GUARD_INSTALL (Linux 6.13) guards without splitting a
 * mapping. Where the kernel is older, mprotect() does it while the map count
 * allows, with a reserve: at the very limit even fopen() fails. There is no
 * stack without a guard unless ASYNCIO_GUARD=none asked for that.
 *
 * Most of what a new stack costs are its guard and the fault of its first
 * page. Who has many stacks will need more of them: then guards and pages are
 * made for some stacks ahead by one system call, where the kernel can do that
 * (process_madvise() of oneself with any advice, as Linux 6.18 does).
 *
 * MAP_NORESERVE: a million stacks are 256 GiB of address space. Huge pages
 * are refused, they would commit 2 MiB for the first page of eight stacks.
 */
#include "coro/stack.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/probe.h"
#include "coro/notes.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define PIDFD_OF_ONESELF (-10000) /* PIDFD_SELF of <linux/pidfd.h> */

enum {
    FIRST_STACKS = 16,
    MOST_STACKS = 1024, /* of one slab: 256 MiB of the default size */
    AHEAD_PART = 8,     /* of the stacks in use, so many are made ahead */
    AHEAD_MOST = 64,
    MAPS_RESERVE = 4096,     /* mappings left to the rest of the program */
    SPACE_RESERVE = 32 << 20 /* bytes of address space left to it */
};

struct aio__stack_slab {
    struct aio__stack_slab *next;
    char *base;
    uint32_t stacks;  /* that fit */
    uint32_t guarded; /* that have a guard */
    uint32_t cut;     /* and of these, that were handed out */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum aio__guard guard_kind;
static bool batches;    /* one system call can advise on many stacks */
static long guards_max; /* by mprotect, in the whole process */
static atomic_long guards;

static size_t
page_size(void)
{
    return (size_t) sysconf(_SC_PAGESIZE);
}

static long
read_max_map_count(void)
{
    long count = 65530;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");

    if (file == NULL)
        return count;
    if (fscanf(file, "%ld", &count) != 1)
        count = 65530;
    fclose(file);
    return count;
}

/* An emulator may accept the advice and do nothing: only what the kernel
 * itself cannot read is a guard. */
static bool
is_guarded(void *page)
{
    char byte;
    struct iovec to = {&byte, 1};
    struct iovec from = {page, 1};

    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0
        && errno == EFAULT;
}

/* Advise on all of these at once; how many were, or -1. */
static int
advise(const struct iovec *parts, uint32_t count, int advice)
{
    long done = syscall(SYS_process_madvise, PIDFD_OF_ONESELF, parts,
                        (size_t) count, advice, 0U);

    return done < 0 ? -1 : (int) ((size_t) done / parts->iov_len);
}

/* Valgrind 3.19 does not know the call, and says so each time. */
static bool
kernel_has_batches(void *page, size_t size)
{
    return !AIO__ON_VALGRIND
        && advise(&(struct iovec){page, size}, 1, MADV_GUARD_INSTALL) == 1
        && is_guarded(page);
}

static bool
kernel_has_guards(void)
{
    size_t page = page_size();
    char *probe = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool has;

    if (probe == MAP_FAILED)
        return false;
    has = madvise(probe, page, MADV_GUARD_INSTALL) == 0 && is_guarded(probe);
    batches = has && kernel_has_batches(probe + page, page);
    munmap(probe, 2 * page);
    return has;
}

static void
choose(void)
{
    const char *name = getenv("ASYNCIO_GUARD");
    long most = read_max_map_count() - MAPS_RESERVE;

    guards_max = most > 0 ? most / 2 : 0;
    if (name != NULL && strcmp(name, "none") == 0)
        guard_kind = AIO__GUARD_NONE;
    else if (name != NULL && strcmp(name, "mprotect") == 0)
        guard_kind = AIO__GUARD_MPROTECT;
    else
        guard_kind =
            kernel_has_guards() ? AIO__GUARD_MADVISE : AIO__GUARD_MPROTECT;
}

enum aio__guard
aio__stack_guard(void)
{
    pthread_once(&once, choose);
    return guard_kind;
}

static size_t
round_up(size_t size)
{
    return (size + page_size() - 1) & ~(page_size() - 1);
}

size_t
aio__stack_round(size_t size)
{
    size_t least = 4 * page_size(); /* one of them is the guard */

    return size > least ? round_up(size) : least;
}

int
aio__stacks_init(struct aio__stacks *stacks, size_t size)
{
    if (size == 0)
        size = AIO__STACK_DEFAULT;
    if (size < AIO__STACK_MIN || size > AIO__STACK_MAX)
        return -EINVAL;
    memset(stacks, 0, sizeof *stacks);
    stacks->size = aio__stack_round(size);
    stacks->guard = stacks->size / 4 < AIO__STACK_GUARD_MAX
        ? stacks->size / 4
        : AIO__STACK_GUARD_MAX;
    stacks->guard = round_up(stacks->guard);
    return 0;
}

void
aio__stacks_fini(struct aio__stacks *stacks)
{
    struct aio__stack_slab *slab;

    while ((slab = stacks->slabs) != NULL) {
        stacks->slabs = slab->next;
        munmap(slab->base, slab->stacks * stacks->size);
        if (guard_kind == AIO__GUARD_MPROTECT)
            atomic_fetch_sub(&guards, slab->guarded);
        aio__free(slab, sizeof *slab);
    }
    aio__free(stacks->given, stacks->total * sizeof *stacks->given);
    stacks->given = NULL;
    stacks->given_count = 0;
    stacks->total = 0;
    stacks->used = 0;
}

/* Address space may be limited: take less rather than nothing, but leave some
 * to the rest of the program, which has to deal with the error. */
static char *
map(size_t size, uint32_t *stacks)
{
    if (aio__alloc_fails())
        return NULL;
    for (;; *stacks /= 2) {
        char *base = mmap(NULL, *stacks * size + SPACE_RESERVE,
                          PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
                              | MAP_STACK,
                          -1, 0);

        if (base != MAP_FAILED) {
            munmap(base + *stacks * size, SPACE_RESERVE);
            madvise(base, *stacks * size, MADV_NOHUGEPAGE);
            return base;
        }
        if (*stacks == 1)
            return NULL;
    }
}

static int
add_slab(struct aio__stacks *stacks)
{
    struct aio__stack_slab *slab;
    uint32_t count = FIRST_STACKS;

    if (stacks->slabs != NULL)
        count = stacks->slabs->stacks * 2;
    if (count > MOST_STACKS)
        count = MOST_STACKS;
    while (count > 1 && count * stacks->size > (size_t) 1 << 30)
        count /= 2;
    slab = aio__calloc(1, sizeof *slab);
    if (slab == NULL)
        return -ENOMEM;
    slab->base = map(stacks->size, &count);
    if (slab->base == NULL)
        goto no_memory;
    char **given = aio__realloc(stacks->given, stacks->total * sizeof *given,
                                (stacks->total + count) * sizeof *given);
    if (given == NULL) {
        munmap(slab->base, count * stacks->size);
        goto no_memory;
    }
    stacks->given = given;
    stacks->total += count;
    slab->stacks = count;
    slab->next = stacks->slabs;
    stacks->slabs = slab;
    return 0;

no_memory:
    aio__free(slab, sizeof *slab);
    return -ENOMEM;
}

static int
install_guard(char *low, size_t size)
{
    switch (aio__stack_guard()) {
    case AIO__GUARD_MADVISE:
        if (madvise(low, size, MADV_GUARD_INSTALL) < 0)
            return -ENOMEM;
        return 0;
    case AIO__GUARD_MPROTECT:
        if (atomic_fetch_add(&guards, 1) < guards_max
            && mprotect(low, size, PROT_NONE) == 0)
            return 0;
        atomic_fetch_sub(&guards, 1);
        return -EAGAIN;
    case AIO__GUARD_NONE:
        break;
    }
    return 0;
}

/* Guards and first pages for some stacks at once; how many. That a page could
 * not be had shows when the stack is used. */
static uint32_t
make_ahead(const struct aio__stacks *stacks, char *low, uint32_t count)
{
    size_t page = page_size();
    struct iovec parts[AHEAD_MOST];
    int done;

    for (uint32_t i = 0; i < count; i++, low += stacks->size)
        parts[i] = (struct iovec){low, stacks->guard};
    done = advise(parts, count, MADV_GUARD_INSTALL);
    for (int i = 0; i < done; i++) {
        parts[i].iov_base =
            (char *) parts[i].iov_base + stacks->size - page;
        parts[i].iov_len = page;
    }
    if (done > 0)
        (void) advise(parts, (uint32_t) done, MADV_POPULATE_WRITE);
    return done > 0 ? (uint32_t) done : 0;
}

/* A guard for the next stack of the slab, and maybe for more. */
static int
guard_more(const struct aio__stacks *stacks, struct aio__stack_slab *slab)
{
    char *low = slab->base + slab->guarded * stacks->size;
    uint32_t ahead = stacks->used / AHEAD_PART;
    uint32_t left = slab->stacks - slab->guarded;
    int r;

    if (ahead > AHEAD_MOST)
        ahead = AHEAD_MOST;
    if (ahead > left)
        ahead = left;
    if (ahead > 1 && batches) {
        slab->guarded += make_ahead(stacks, low, ahead);
        if (slab->guarded > slab->cut)
            return 0;
    }
    r = install_guard(low, stacks->guard);
    if (r == 0)
        slab->guarded++;
    return r;
}

static int
cut(struct aio__stacks *stacks, char **ret_low)
{
    struct aio__stack_slab *slab = stacks->slabs;
    int r;

    if (slab == NULL || slab->cut == slab->stacks) {
        r = add_slab(stacks);
        if (r < 0)
            return r;
        slab = stacks->slabs;
    }
    if (slab->cut == slab->guarded) {
        r = guard_more(stacks, slab);
        if (r < 0)
            return r;
    }
    *ret_low = slab->base + slab->cut++ * stacks->size + stacks->guard;
    aio__probe(stack_make, *ret_low, stacks->size - stacks->guard);
    return 0;
}

int
aio__stacks_take(struct aio__stacks *stacks, char **ret_low, size_t *ret_size)
{
    if (stacks->given_count > 0) {
        *ret_low = stacks->given[--stacks->given_count];
    } else {
        int r = cut(stacks, ret_low);
        if (r < 0)
            return r;
    }
    stacks->used++;
    *ret_size = stacks->size - stacks->guard;
    return 0;
}

void
aio__stacks_give(struct aio__stacks *stacks, char *low)
{
    madvise(low, stacks->size - stacks->guard, MADV_DONTNEED);
    stacks->given[stacks->given_count++] = low;
    stacks->used--;
}
