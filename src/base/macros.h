/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_MACROS_H
#define AIO_BASE_MACROS_H

/* Words the compiler understands, in one place. */

#include <stddef.h>
#include <stdint.h>

#define aio__likely(x)   __builtin_expect(!!(x), 1)
#define aio__unlikely(x) __builtin_expect(!!(x), 0)

#define aio__inline static inline __attribute__((always_inline))
#define aio__cold   __attribute__((cold, noinline))

/* Fast thread-local variables: one instruction instead of a call. */
#define aio__thread_local _Thread_local __attribute__((tls_model("initial-exec")))

#define AIO__LINE 64 /* bytes of a cache line */

/* Ask for the cache line that is so many bytes away, if there is one. */
aio__inline void
aio__prefetch(const void *from, ptrdiff_t bytes)
{
    __builtin_prefetch((const void *) ((uintptr_t) from + (uintptr_t) bytes));
}

#define aio__container_of(pointer, type, member)                              \
    ((type *) (void *) ((char *) (pointer) - offsetof(type, member)))

#define aio__array_size(array) (sizeof(array) / sizeof((array)[0]))

/* An option of a struct that carries its size: absent in older callers. */
#define aio__option(options, member, absent)                                  \
    ((options) != NULL                                                        \
             && (options)->size                                               \
                    >= offsetof(__typeof__(*(options)), member)               \
                           + sizeof((options)->member)                        \
         ? (options)->member                                                  \
         : (absent))

#if defined(__SANITIZE_ADDRESS__)
#define AIO__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AIO__ASAN 1
#endif
#endif
#ifndef AIO__ASAN
#define AIO__ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define AIO__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AIO__TSAN 1
#endif
#endif
#ifndef AIO__TSAN
#define AIO__TSAN 0
#endif

#endif
