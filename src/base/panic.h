/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_PANIC_H
#define AIO_BASE_PANIC_H

/*
 * What can only be memory corruption, or would become it at once, ends the
 * program with a sentence. Everything else is an error code.
 */

_Noreturn void aio__panic(const char *format, ...)
    __attribute__((format(printf, 1, 2), cold));

#define aio__assert(condition)                                                \
    (__builtin_expect(!!(condition), 1)                                       \
         ? (void) 0                                                           \
         : aio__panic("%s:%d: \"%s\" does not hold", __FILE__, __LINE__,      \
                      #condition))

#endif
