/* SPDX-License-Identifier: MIT */
/*
 * The exception handler of a loop, and the log.
 *
 * A report never fails and never raises: an error of a custom handler is
 * reported through the default one, which only writes lines.
 *
 * Python counterpart: call_exception_handler, logging.getLogger('asyncio').
 */
#include "loop/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "loop/exception.h"
#include "loop/loop.h"

static asyncio_log_callback_t log_callback;
static void *log_arg;

void
asyncio_set_log_callback(asyncio_log_callback_t callback, void *arg)
{
    log_arg = arg;
    log_callback = callback;
}

void
aio__log(asyncio_log_level_t level, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (log_callback == NULL && level < ASYNCIO_LOG_WARNING)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (log_callback != NULL)
        log_callback(level, text, log_arg);
    else
        fprintf(stderr, "asyncio: %s\n", text);
}

void
asyncio_loop_set_exception_handler(asyncio_loop_t *loop,
                                   asyncio_exception_handler_t handler,
                                   void *arg)
{
    loop->exception_handler = handler;
    loop->exception_handler_arg = arg;
}

asyncio_exception_handler_t
asyncio_loop_get_exception_handler(const asyncio_loop_t *loop, void **ret_arg)
{
    if (ret_arg != NULL)
        *ret_arg = loop->exception_handler_arg;
    return loop->exception_handler;
}

static size_t
append(char *text, size_t size, size_t used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static size_t
append(char *text, size_t size, size_t used, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text + used, size - used, format, args);
    va_end(args);
    if (n < 0)
        return used;
    return used + (size_t) n < size ? used + (size_t) n : size - 1;
}

void
asyncio_loop_default_exception_handler(
    asyncio_loop_t *loop, const asyncio_exception_context_t *context)
{
    char text[1024];
    size_t used = 0;
    const char *detail;
    const char *file;
    int line;

    (void) loop;
    used = append(text, sizeof text, used, "%s",
                  context->message != NULL
                      ? context->message
                      : "Unhandled exception in event loop");
    if (context->code < 0) {
        detail = asyncio_exception_message(context->exception);
        used = append(text, sizeof text, used, "\n  exception: %s: %s",
                      asyncio_err_name(context->code),
                      detail != NULL ? detail
                                     : asyncio_strerror(context->code));
        file = asyncio_exception_place(context->exception, &line);
        if (file != NULL)
            used = append(text, sizeof text, used, " (%s:%d)", file, line);
    }
    if (context->source_traceback != NULL)
        used = append(text, sizeof text, used, "\n  created at: %s in %s:%d",
                      context->source_traceback->name,
                      context->source_traceback->file,
                      context->source_traceback->line);
    (void) used;
    aio__log(ASYNCIO_LOG_ERROR, "%s", text);
}

void
asyncio_loop_call_exception_handler(asyncio_loop_t *loop,
                                    const asyncio_exception_context_t *context)
{
    int r;

    if (loop->exception_handler == NULL) {
        asyncio_loop_default_exception_handler(loop, context);
        return;
    }
    r = loop->exception_handler(loop, context, loop->exception_handler_arg);
    if (r < 0) {
        asyncio_exception_context_t failed = {
            .size = sizeof failed,
            .message = "Unhandled error in exception handler",
            .code = r,
            .exception = asyncio_current_exception(),
            .socket = -1};

        asyncio_loop_default_exception_handler(loop, &failed);
    }
}

void
aio__callback_failed(asyncio_loop_t *loop, int code, asyncio_handle_t *handle)
{
    asyncio_exception_t *exception = aio__raised(code);

    if (code == ASYNCIO_ERR_INTERRUPTED || code == ASYNCIO_ERR_SYSTEM_EXIT) {
        aio__loop_interrupt(loop, code);
    } else {
        asyncio_exception_context_t context = {.size = sizeof context,
                                               .message =
                                                   "Exception in callback",
                                               .code = code,
                                               .exception = exception,
                                               .handle = handle,
                                               .socket = -1};

        asyncio_loop_call_exception_handler(loop, &context);
        aio__raise_exception(0, NULL); /* it has been dealt with */
    }
    aio__exception_unref(exception);
}
