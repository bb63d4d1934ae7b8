/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_REPORT_H
#define AIO_LOOP_REPORT_H

/* Reports and log lines. */

#include "asyncio/events.h"
#include "asyncio/log.h"

void aio__log(asyncio_log_level_t level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "Exception in callback": what a callback returned; codes of the interrupt
 * class leave the loop. */
void aio__callback_failed(asyncio_loop_t *loop, int code,
                          asyncio_handle_t *handle);

#endif
