/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_EXPORT_H
#define ASYNCIO_EXPORT_H

/**
 * @file export.h
 * Annotations of every public declaration.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define ASYNCIO_BEGIN_DECLS extern "C" {
#define ASYNCIO_END_DECLS   }
#else
#define ASYNCIO_BEGIN_DECLS
#define ASYNCIO_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define ASYNCIO_EXPORT __attribute__((visibility("default")))
#define ASYNCIO_NODISCARD __attribute__((warn_unused_result))
#define ASYNCIO_PRINTF(index, first)                                           \
    __attribute__((__format__(__printf__, index, first)))
#else
#define ASYNCIO_EXPORT
#define ASYNCIO_NODISCARD
#define ASYNCIO_PRINTF(index, first)
#endif

/** A function that may suspend the calling task; its result matters. */
#define ASYNCIO_AWAITS ASYNCIO_EXPORT ASYNCIO_NODISCARD

/** "None" where a timeout or a deadline is asked for. */
#define ASYNCIO_NO_TIMEOUT ((double) __builtin_huge_val())

ASYNCIO_BEGIN_DECLS

typedef struct asyncio_loop asyncio_loop_t;
typedef struct asyncio_future asyncio_future_t;
/** A Task is a Future: every function of futures takes tasks. */
typedef struct asyncio_future asyncio_task_t;
typedef struct asyncio_handle asyncio_handle_t;
/** A Handle with a time. */
typedef struct asyncio_handle asyncio_timer_handle_t;
typedef struct asyncio_context asyncio_context_t;
typedef struct asyncio_exception asyncio_exception_t;
/** A TLS context: see tls.h. */
typedef struct asyncio_ssl_context asyncio_ssl_context_t;

/** Destroys what it is given; called exactly once. */
typedef void (*asyncio_drop_t)(void *value);

ASYNCIO_END_DECLS

#endif
