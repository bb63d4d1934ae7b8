/* SPDX-License-Identifier: MIT */
/*
 * Hooks: libuv's idle, prepare and check handles as callbacks of a loop.
 *
 * A hook belongs to its loop: removing it, or closing the loop, closes the
 * handle, whose close callback frees the memory.
 *
 * Python counterpart: none.
 */
#include "asyncio/signals.h"
#include "base/alloc.h"
#include "base/counters.h"
#include "loop/loop.h"
#include "loop/report.h"

struct asyncio_hook {
    union {
        uv_handle_t handle;
        uv_idle_t idle;
        uv_prepare_t prepare;
        uv_check_t check;
    } uv; /* first */
    struct aio__closer closer;
    asyncio_loop_t *loop;
    asyncio_callback_t callback;
    void *arg;
};

static void
on_closed(uv_handle_t *handle)
{
    asyncio_hook_t *hook = handle->data;

    hook->loop->handles_open--;
    aio__count(AIO__COUNT_HANDLES, -1);
    aio__free(hook, sizeof *hook);
}

static void
call(asyncio_hook_t *hook)
{
    int r;

    r = hook->callback(hook->arg);
    if (r < 0)
        aio__callback_failed(hook->loop, r, NULL);
}

static void
on_idle(uv_idle_t *idle)
{
    call(idle->data);
}

static void
on_prepare(uv_prepare_t *prepare)
{
    call(prepare->data);
}

static void
on_check(uv_check_t *check)
{
    call(check->data);
}

static void
on_loop_close(struct aio__closer *closer)
{
    asyncio_hook_t *hook = aio__container_of(closer, asyncio_hook_t, closer);

    uv_close(&hook->uv.handle, on_closed);
}

int
asyncio_loop_add_hook(asyncio_loop_t *loop, asyncio_hook_kind_t kind,
                      asyncio_callback_t callback, void *arg,
                      asyncio_hook_t **ret_hook)
{
    asyncio_hook_t *hook;
    int r;

    r = aio__loop_usable(loop);
    if (r < 0)
        return r;
    if (callback == NULL || kind < ASYNCIO_HOOK_IDLE
        || kind > ASYNCIO_HOOK_CHECK)
        return UV_EINVAL;
    hook = aio__calloc(1, sizeof *hook);
    if (hook == NULL)
        return UV_ENOMEM;
    hook->loop = loop;
    hook->callback = callback;
    hook->arg = arg;
    hook->closer.close = on_loop_close;
    aio__list_push_back(&loop->closers, &hook->closer.link);
    /* None of these can fail. */
    if (kind == ASYNCIO_HOOK_IDLE) {
        uv_idle_init(loop->uv, &hook->uv.idle);
        uv_idle_start(&hook->uv.idle, on_idle);
    } else if (kind == ASYNCIO_HOOK_PREPARE) {
        uv_prepare_init(loop->uv, &hook->uv.prepare);
        uv_prepare_start(&hook->uv.prepare, on_prepare);
    } else {
        uv_check_init(loop->uv, &hook->uv.check);
        uv_check_start(&hook->uv.check, on_check);
    }
    hook->uv.handle.data = hook;
    loop->handles_open++;
    aio__count(AIO__COUNT_HANDLES, 1);
    *ret_hook = hook;
    return 0;
}

asyncio_hook_t *
asyncio_loop_remove_hook(asyncio_hook_t *hook)
{
    if (hook == NULL)
        return NULL;
    aio__list_remove(&hook->closer.link);
    uv_close(&hook->uv.handle, on_closed);
    return NULL;
}
