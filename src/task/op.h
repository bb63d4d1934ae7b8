/* SPDX-License-Identifier: MIT */
#ifndef AIO_TASK_OP_H
#define AIO_TASK_OP_H

/*
 * The awaited libuv request. Declare, start, await:
 *
 *     struct aio__op *op;
 *     int r = aio__op_new(0, AIO__CANCEL_DETACH, close_late_fd, &op);
 *     if (r < 0)
 *         return r;
 *     r = uv_fs_open(op->loop->uv, &op->req.fs, path, flags, mode, on_fs);
 *     return (int) aio__op_await(op, r);
 *
 * and the callback ends in aio__op_done(op, result).
 */

#include "loop/fiber.h"

enum aio__cancel_policy {
    /* The op owns all memory that libuv uses: the task leaves at once, and
     * `late` destroys what arrives afterwards. */
    AIO__CANCEL_DETACH,
    /* libuv uses the caller's memory: the task stays until the callback. */
    AIO__CANCEL_WAIT
};

struct aio__op {
    asyncio_loop_t *loop;
    struct aio__waiter *waiter; /* NULL once its task has left */
    asyncio_exception_t *message; /* of a cancellation that has to wait */
    void (*late)(struct aio__op *op); /* nobody took the result; or NULL */
    void (*fini)(struct aio__op *op); /* before its memory goes; or NULL */
    int64_t result;             /* once done */
    size_t size;                /* of the op, in bytes */
    uint8_t refs;               /* of the loop and of the waiter */
    bool wait;                  /* AIO__CANCEL_WAIT */
    bool done;
    bool cancelled;             /* wake its task with a cancellation */
    union {
        uv_req_t any;
        uv_fs_t fs;
        uv_work_t work;
        uv_random_t random;
        uv_shutdown_t shutdown;
        uv_udp_send_t udp_send;
        uv_write_t write;
        uv_connect_t connect;
        uv_getaddrinfo_t getaddrinfo;
    } req;                      /* its `data` is the op */
    _Alignas(16) char extra[];  /* what the caller asked for */
};

/* 0; an error of aio__fiber_running(); UV_ENOMEM. */
int aio__op_new(size_t extra, enum aio__cancel_policy policy,
                void (*late)(struct aio__op *op), struct aio__op **ret_op);

/* `r`: what starting it returned; an error ends it here. Gives the result, or
 * ASYNCIO_ERR_CANCELLED, and frees the op. */
int64_t aio__op_await(struct aio__op *op, int r);

/* The same, but with a result >= 0 the op stays, for more than a number:
 * aio__op_release() it. */
int64_t aio__op_await_keep(struct aio__op *op, int r);
void aio__op_release(struct aio__op *op);

/* From the callback, once. */
void aio__op_done(struct aio__op *op, int64_t result);

#endif
