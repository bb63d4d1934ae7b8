/* SPDX-License-Identifier: MIT */
/*
 * The coroutines, traces and handlers that many tests share.
 */
#include "scenes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static char letters[4096];
static size_t letters_used;

struct reports reports;
int drops;

void
trace(char letter)
{
    if (letters_used < sizeof letters - 1)
        letters[letters_used++] = letter;
}

const char *
traced(void)
{
    return letters;
}

int
trace_arg(void *letter)
{
    trace(*(const char *) letter);
    return 0;
}

int
call_trace(const char *letter)
{
    return asyncio_loop_call_soon(asyncio_get_running_loop(), trace_arg,
                                  (void *) (uintptr_t) letter);
}

int
now_ms(void)
{
    return (int) lround(asyncio_loop_time(asyncio_get_event_loop()) * 1000);
}

int
nap(void *arg)
{
    struct nap *self = arg;
    int r;

    if (self->seconds >= 0) {
        r = asyncio_sleep(self->seconds);
        if (r < 0)
            return r;
    }
    if (self->letter != '\0')
        trace(self->letter);
    if (self->result < 0)
        return asyncio_raise(self->result, "nap %c", self->letter);
    return self->result;
}

int
forever(void *arg)
{
    (void) arg;
    return asyncio_sleep(ASYNCIO_NO_TIMEOUT);
}

int
await_it(void *arg)
{
    struct await_it *self = arg;

    return asyncio_await(self->future);
}

int
stubborn(void *arg)
{
    struct stubborn *self = arg;
    int r;

    r = asyncio_sleep(self->seconds);
    if (r != ASYNCIO_ERR_CANCELLED)
        return r;
    if (self->seen != NULL)
        ++*self->seen;
    if (self->cleanup > 0) {
        int again = asyncio_sleep(self->cleanup);

        if (again < 0)
            return again;
    }
    if (self->answer < 0 && self->answer != ASYNCIO_ERR_CANCELLED)
        return asyncio_raise(self->answer, "answer");
    return self->answer;
}

int
report_handler(asyncio_loop_t *loop,
               const asyncio_exception_context_t *context, void *arg)
{
    const char *detail = asyncio_exception_message(context->exception);

    (void) loop;
    (void) arg;
    reports.count++;
    reports.code = context->code;
    snprintf(reports.message, sizeof reports.message, "%s",
             context->message != NULL ? context->message : "");
    snprintf(reports.detail, sizeof reports.detail, "%s",
             detail != NULL ? detail : "");
    reports.future = context->future;
    reports.task = context->task;
    reports.handle = context->handle;
    reports.site = context->source_traceback;
    return 0;
}

void
catch_reports(void)
{
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(),
                                       report_handler, NULL);
}

const char *
newest_message(void)
{
    const char *message =
        asyncio_exception_message(asyncio_current_exception());

    return message != NULL ? message : "";
}

asyncio_loop_t *
virtual_loop(void)
{
    asyncio_loop_t *loop;

    assert_r(asyncio_testing_loop_factory(&loop), 0);
    asyncio_loop_set_exception_handler(loop, report_handler, NULL);
    return loop;
}

void
end_loop(asyncio_loop_t *loop)
{
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

void
passes(int n)
{
    while (n-- > 0)
        assert_r(asyncio_sleep(0), 0);
}

void
count_drop(void *value)
{
    (void) value;
    drops++;
}
