/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_HANDLE_H
#define AIO_LOOP_HANDLE_H

/* Handles: scheduled callbacks. */

#include "loop/context.h"
#include "loop/loop.h"

struct asyncio_handle {
    struct aio__job job;
    struct aio__timer timer;       /* call_later and call_at */
    asyncio_loop_t *loop;          /* NULL once it ran or the loop closed */
    asyncio_callback_t callback;
    void *arg;
    asyncio_drop_t drop;
    asyncio_context_t *context;    /* a reference; may be `own` */
    asyncio_context_t own;         /* its release frees the handle */
    double when;                   /* seconds; 0 without a time */
    _Atomic(uint32_t) refs;
    _Atomic(int) state;            /* enum handle_state */
    _Atomic(bool) cancelled;       /* was asked to, in time or not */
    bool threadsafe;
    pthread_t runner;              /* while it runs, threadsafe ones */
};

#endif
