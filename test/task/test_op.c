/* SPDX-License-Identifier: MIT */
/* The awaited libuv request: results, cancelling, what arrives late. */
#include "behaviour.h"

#include <asyncio.h>
#include <asyncio/testing.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "task/op.h"

static int late_results;

static void
on_random(uv_random_t *req, int status, void *buffer, size_t size)
{
    (void) buffer;
    aio__op_done(req->data, status < 0 ? status : (int64_t) size);
}

static void
count_late(struct aio__op *op)
{
    (void) op;
    late_results++;
}

static int
read_random(enum aio__cancel_policy policy, size_t size, unsigned flags)
{
    struct aio__op *op;
    int r = aio__op_new(size, policy, count_late, &op);

    if (r < 0)
        return r;
    r = uv_random(op->loop->uv, &op->req.random, op->extra, size, flags,
                  on_random);
    return (int) aio__op_await(op, r);
}

BEHAVIOUR(a_request_gives_its_result)
{
    assert_r(read_random(AIO__CANCEL_DETACH, 16, 0), 16);
    ck_assert_int_eq(late_results, 0);
}

static void
on_fs(uv_fs_t *req)
{
    aio__op_done(req->data, req->result);
}

static void
cleanup_fs(struct aio__op *op)
{
    uv_fs_req_cleanup(&op->req.fs);
}

BEHAVIOUR(a_request_that_fails_gives_its_error)
{
    struct aio__op *op;

    assert_ok(aio__op_new(0, AIO__CANCEL_DETACH, NULL, &op));
    op->fini = cleanup_fs;
    int r = uv_fs_open(op->loop->uv, &op->req.fs, "/nowhere/at/all", O_RDONLY,
                       0, on_fs);
    assert_r((int) aio__op_await(op, r), UV_ENOENT);
}

BEHAVIOUR(a_request_that_cannot_be_started_gives_that_error)
{
    /* There are no flags yet. */
    assert_r(read_random(AIO__CANCEL_DETACH, 16, 1), UV_EINVAL);
}

struct reading {
    enum aio__cancel_policy policy;
};

static int
reading(void *frame)
{
    struct reading *self = frame;
    int r = read_random(self->policy, 16, 0);

    ck_assert_int_eq(asyncio_testing_counters().ops,
                     self->policy == AIO__CANCEL_WAIT ? 0 : 1);
    return r;
}

static void
cancel_while_waiting(enum aio__cancel_policy policy)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(reading, .policy = policy));

    assert_r(asyncio_sleep(0), 0);
    ck_assert(asyncio_future_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert(asyncio_future_cancelled(task));
    asyncio_future_unref(task);
}

BEHAVIOUR(a_detaching_request_is_left_at_once)
{
    cancel_while_waiting(AIO__CANCEL_DETACH);
}

BEHAVIOUR(a_waiting_request_is_left_when_libuv_has_let_go)
{
    cancel_while_waiting(AIO__CANCEL_WAIT);
}

/* Its callback came and the task was cancelled before it ran on. */
static int
cancel_it(void *arg)
{
    asyncio_future_cancel(arg);
    return 0;
}

static void
on_random_and_cancel(uv_random_t *req, int status, void *buffer, size_t size)
{
    struct aio__op *op = req->data;
    asyncio_task_t *task = *(asyncio_task_t **) (void *) op->extra;

    (void) status;
    (void) buffer;
    aio__op_done(op, (int64_t) size);
    cancel_it(task);
}

static int
read_and_be_cancelled(void *frame)
{
    struct aio__op *op;
    int r = aio__op_new(64, AIO__CANCEL_DETACH, count_late, &op);

    (void) frame;
    ck_assert_int_eq(r, 0);
    *(asyncio_task_t **) (void *) op->extra = asyncio_current_task();
    r = uv_random(op->loop->uv, &op->req.random, op->extra + 32, 16, 0,
                  on_random_and_cancel);
    return (int) aio__op_await(op, r);
}

BEHAVIOUR(a_result_lost_to_a_cancellation_is_destroyed)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(read_and_be_cancelled));

    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(late_results, 1);
    asyncio_future_unref(task);
}

PLAIN(a_request_needs_a_task)
{
    struct aio__op *op;

    assert_r(aio__op_new(0, AIO__CANCEL_DETACH, NULL, &op),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
}

static int
wait_for_op(void *frame)
{
    struct aio__op **ret_op = *(struct aio__op ***) frame;
    int r = aio__op_new(0, AIO__CANCEL_DETACH, count_late, ret_op);

    ck_assert_int_eq(r, 0);
    (*ret_op)->req.any.type = UV_UNKNOWN_REQ; /* the test completes it */
    return (int) aio__op_await(*ret_op, 0);
}

BEHAVIOUR(a_result_that_comes_after_the_task_has_left_is_given_back)
{
    struct aio__op *op;
    struct aio__op **place = &op;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(wait_for_op, &place, sizeof place));

    assert_r(asyncio_sleep(0), 0);
    ck_assert(asyncio_future_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    ck_assert_int_eq(late_results, 0);
    aio__op_done(op, 16);
    ck_assert_int_eq(late_results, 1);
}

static uv_sem_t gate;
static bool gate_passed;

static void
wait_at_gate(uv_work_t *work)
{
    (void) work;
    uv_sem_wait(&gate);
}

static void
on_gate_passed(uv_work_t *work, int status)
{
    (void) work;
    (void) status;
    gate_passed = true;
}

BEHAVIOUR(a_request_that_has_not_begun_is_taken_back)
{
    uv_work_t work;
    struct reading frame = {AIO__CANCEL_DETACH};

    /* One thread, which is busy: the request has to wait in libuv. */
    setenv("UV_THREADPOOL_SIZE", "1", 1);
    uv_sem_init(&gate, 0);
    assert_ok(uv_queue_work(asyncio_loop_uv(asyncio_get_running_loop()), &work,
                            wait_at_gate, on_gate_passed));
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro_new(reading, &frame, sizeof frame));
    assert_r(asyncio_sleep(0), 0);
    ck_assert(asyncio_future_cancel(task));
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    uv_sem_post(&gate);
    while (!gate_passed || asyncio_testing_counters().ops > 0)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(late_results, 0);
    uv_sem_destroy(&gate);
}
