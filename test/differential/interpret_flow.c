/* SPDX-License-Identifier: MIT */
/*
 * Operations: time, control flow, callbacks of the loop.
 *
 * Python counterpart: ops_flow.py.
 */
#include <string.h>

#include "machine.h"

static const int errors[] = {ERR_A, ERR_B, ERR_C};

OPERATION(sleep)
{
    (void) m, (void) fr;
    return asyncio_sleep(line->args[0] / 8.0);
}

OPERATION(nap)
{
    int r = asyncio_sleep(line->args[0] / 8.0);

    (void) m;
    return r < 0 ? r : say(fr, "%d", line->args[1]);
}

OPERATION(yield)
{
    (void) m, (void) fr, (void) line;
    return asyncio_sleep(0);
}

OPERATION(busy)
{
    (void) fr;
    if (line->args[0] > 0)
        asyncio_testing_advance(m->loop, line->args[0] / 8.0);
    return 0;
}

OPERATION(mark)
{
    (void) m;
    return say(fr, "%d", line->args[0]);
}

OPERATION(raise)
{
    (void) m, (void) fr;
    return asyncio_raise(errors[line->args[0]], NULL);
}

/* The last line of a callback: it says ok, and then fails. */
OPERATION(fail)
{
    (void) m, (void) fr, (void) line;
    return 0;
}

int
fail_code(const struct line *line)
{
    return line->operation->run == op_fail ? errors[line->args[0]] : 0;
}

OPERATION(ret)
{
    (void) m;
    fr->ret = line->args[0];
    return say(fr, "%d", line->args[0]);
}

OPERATION(call)
{
    int r = call_body(m, fr, line->args[0], fr->num);

    return r < 0 ? r : say(fr, "%d", r);
}

OPERATION(loop)
{
    for (int i = 0; i < line->args[0]; i++) {
        int r = block(m, fr, line->body);

        if (r != 0)
            return r;
    }
    return 0;
}

/* Run a handler; the error on its way stays as it was unless this fails. */
static int
handle(struct machine *m, struct frame *fr, const struct line *line,
       bool *ret_stop)
{
    struct error kept = *fr->error;
    int r;

    *fr->error = (struct error){.code = 0};
    r = block(m, fr, line->handler);
    *ret_stop = r == STOP;
    if (r < 0) {
        asyncio_exception_unref(kept.detail);
        return r;
    }
    asyncio_exception_unref(fr->error->detail);
    *fr->error = kept;
    return 0;
}

static int
finally(struct machine *m, struct frame *fr, const struct line *line, int r)
{
    char text[512];
    bool stop;
    int r2;

    if (r < 0)
        error_text(text, sizeof text, r, fr->error->detail);
    trace(m, fr->who, line->tag, "finally %s", r < 0 ? text : "ok");
    r2 = handle(m, fr, line, &stop);
    if (r2 < 0)
        return r2;
    return r >= 0 && stop ? STOP : r;
}

OPERATION(try)
{
    int mode = line->args[0];
    int r = block(m, fr, line->body);
    char text[512];
    bool stop;
    int r2;

    if ((mode & 8) != 0)
        return finally(m, fr, line, r);
    if (r >= 0 || (mode & (r == ASYNCIO_ERR_CANCELLED ? 2 : 1)) == 0)
        return r;
    error_text(text, sizeof text, r, fr->error->detail);
    trace(m, fr->who, line->tag, "except %s", text);
    r2 = handle(m, fr, line, &stop);
    if (r2 < 0)
        return r2;
    if (stop)
        return STOP;
    return (mode & 4) != 0 ? r : 0;
}

/* --- callbacks of the loop -------------------------------------------------- */

/* Keep a new handle in a register. */
static int
new_handle(struct machine *m, int i, asyncio_handle_t *handle, bool timer)
{
    asyncio_handle_unref(m->handles[i].handle);
    m->handles[i] = (struct handle){.handle = handle, .timer = timer};
    return 0;
}

OPERATION(soon)
{
    asyncio_handle_t *handle;
    int r = asyncio_loop_call_soon(
        m->loop, callback, callback_of(m, line->args[1]),
        .context = context_of(m, line->args[2]), .ret_handle = &handle);

    (void) fr;
    return r < 0 ? r : new_handle(m, line->args[0], handle, false);
}

OPERATION(soonts)
{
    asyncio_handle_t *handle;
    int r = asyncio_loop_call_soon_threadsafe(
        m->loop, callback, callback_of(m, line->args[1]),
        .context = context_of(m, line->args[2]), .ret_handle = &handle);

    (void) fr;
    return r < 0 ? r : new_handle(m, line->args[0], handle, false);
}

OPERATION(later)
{
    asyncio_handle_t *handle;
    int r = asyncio_loop_call_later(
        m->loop, line->args[2] / 8.0, callback, callback_of(m, line->args[1]),
        .context = context_of(m, line->args[3]), .ret_handle = &handle);

    (void) fr;
    return r < 0 ? r : new_handle(m, line->args[0], handle, true);
}

OPERATION(at)
{
    asyncio_handle_t *handle;
    int r = asyncio_loop_call_at(
        m->loop, line->args[2] / 8.0, callback, callback_of(m, line->args[1]),
        .context = context_of(m, line->args[3]), .ret_handle = &handle);

    (void) fr;
    return r < 0 ? r : new_handle(m, line->args[0], handle, true);
}

OPERATION(hcancel)
{
    asyncio_handle_t *handle = m->handles[line->args[0]].handle;

    if (handle == NULL)
        return say(fr, "none");
    asyncio_handle_cancel(handle);
    return say(fr, "%d", asyncio_handle_cancelled(handle));
}

OPERATION(hcancelled)
{
    asyncio_handle_t *handle = m->handles[line->args[0]].handle;

    if (handle == NULL)
        return say(fr, "none");
    return say(fr, "%d", asyncio_handle_cancelled(handle));
}

OPERATION(hwhen)
{
    const struct handle *handle = &m->handles[line->args[0]];

    if (handle->handle == NULL || !handle->timer)
        return say(fr, "none");
    return say(fr, "%d", eighths(asyncio_timer_handle_when(handle->handle)));
}

OPERATION(stop)
{
    (void) line;
    if (m->closing)
        return say(fr, "late");
    m->stopped = true;
    asyncio_loop_stop(m->loop);
    return 0;
}

/* A variable for the predicates of conditions. */
OPERATION(add)
{
    int *variable = &m->variables[line->args[0]];

    *variable += line->args[1];
    return say(fr, "%d", *variable);
}

const struct operation operations_flow[] = {
    {"sleep", OPERATION_ASYNC, op_sleep, false},
    {"nap", OPERATION_ASYNC, op_nap, false},
    {"yield", OPERATION_ASYNC, op_yield, false},
    {"busy", OPERATION_PLAIN, op_busy, false},
    {"mark", OPERATION_PLAIN, op_mark, false},
    {"raise", OPERATION_ASYNC, op_raise, false},
    {"fail", OPERATION_PLAIN, op_fail, false},
    {"ret", OPERATION_PLAIN, op_ret, false},
    {"call", OPERATION_ASYNC, op_call, true},
    {"loop", OPERATION_BLOCK, op_loop, true},
    {"try", OPERATION_BLOCK, op_try, true},
    {"soon", OPERATION_PLAIN, op_soon, false},
    {"soonts", OPERATION_PLAIN, op_soonts, false},
    {"later", OPERATION_PLAIN, op_later, false},
    {"at", OPERATION_PLAIN, op_at, false},
    {"hcancel", OPERATION_PLAIN, op_hcancel, false},
    {"hcancelled", OPERATION_PLAIN, op_hcancelled, false},
    {"hwhen", OPERATION_PLAIN, op_hwhen, false},
    {"stop", OPERATION_PLAIN, op_stop, false},
    {"add", OPERATION_PLAIN, op_add, false},
    {NULL, OPERATION_PLAIN, NULL, false},
};
