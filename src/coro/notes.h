/* SPDX-License-Identifier: MIT */
#ifndef AIO_CORO_NOTES_H
#define AIO_CORO_NOTES_H

/*
 * What tools want to know about stacks: ASan and TSan about every switch,
 * valgrind about every stack. Inlined and free of instrumentation; without a
 * tool nothing is left of it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "config.h"

#if AIO__ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if AIO__TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if AIO__HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define AIO__ON_VALGRIND (RUNNING_ON_VALGRIND != 0)
#else
#define AIO__ON_VALGRIND false
#endif

/* Somebody listens. */
#define AIO__NOTES (AIO__ASAN || AIO__TSAN || AIO__ON_VALGRIND)

/* One for each stack, the thread's own included. */
struct aio__notes {
#if AIO__ASAN
    void *fake;         /* ASan's fake stack, while suspended */
    const void *bottom; /* lowest address of the stack */
    size_t size;
#endif
#if AIO__TSAN
    void *fiber;
#endif
    unsigned valgrind_id; /* of a registered stack */
};

/* A new stack. */
aio__inline void
aio__notes_made(struct aio__notes *notes, void *low, size_t size)
{
#if AIO__ASAN
    notes->fake = NULL;
    notes->bottom = low;
    notes->size = size;
#endif
#if AIO__TSAN
    notes->fiber = __tsan_create_fiber(0);
#endif
#if AIO__HAVE_VALGRIND
    notes->valgrind_id = VALGRIND_STACK_REGISTER(low, (char *) low + size);
#endif
    (void) notes;
    (void) low;
    (void) size;
}

aio__inline void
aio__notes_destroyed(struct aio__notes *notes)
{
#if AIO__TSAN
    __tsan_destroy_fiber(notes->fiber);
#endif
#if AIO__HAVE_VALGRIND
    VALGRIND_STACK_DEREGISTER(notes->valgrind_id);
#endif
    (void) notes;
}

/* The thread's own stack, before it is first left. */
void aio__notes_thread(struct aio__notes *notes);

/* `for_good`: nothing of what is on the stack that is left is needed again. */
aio__inline void
aio__notes_leave(struct aio__notes *from, struct aio__notes *to, bool for_good)
{
#if AIO__ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake, to->bottom,
                                   to->size);
    if (for_good)
        from->fake = NULL;
#endif
#if AIO__TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void) from;
    (void) to;
    (void) for_good;
}

/* First thing on a stack that was switched to. */
aio__inline void
aio__notes_arrive(struct aio__notes *notes)
{
#if AIO__ASAN
    __sanitizer_finish_switch_fiber(notes->fake, NULL, NULL);
#endif
    (void) notes;
}

#endif
