/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_LOG_H
#define ASYNCIO_LOG_H

/**
 * @file log.h
 * Where the library's own messages go.
 */

#include "export.h"

ASYNCIO_BEGIN_DECLS

/** How much a log line matters; the numbers are those of Python's logging. */
typedef enum asyncio_log_level {
    ASYNCIO_LOG_DEBUG = 10,
    ASYNCIO_LOG_INFO = 20,
    ASYNCIO_LOG_WARNING = 30,
    ASYNCIO_LOG_ERROR = 40
} asyncio_log_level_t;

typedef void (*asyncio_log_callback_t)(asyncio_log_level_t level,
                                       const char *text, void *arg);

/**
 * Where the library's messages go, for the whole process; standard error
 * unless set, from ASYNCIO_LOG_WARNING on.
 *
 * @python   logging.getLogger('asyncio')
 * @param    callback  called from any thread; NULL for the default
 * @param    arg       given to the callback
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_set_log_callback(asyncio_log_callback_t callback,
                                             void *arg);

ASYNCIO_END_DECLS

#endif
