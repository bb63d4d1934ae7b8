/* SPDX-License-Identifier: MIT */
/*
 * Details of errors, and the newest one of each task and thread.
 *
 * A task raises into its own slot, which its end, or whoever awaits it, takes
 * over; outside tasks the thread has one. References are atomic, because a
 * job of the thread pool may raise what a task receives.
 *
 * Python counterpart: exception objects, and sys.exception().
 */
#include "loop/exception.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "loop/fiber.h"

enum {
    CAUSES_MAX = 100
};

/* Outside tasks. */
static aio__thread_local asyncio_exception_t *thread_raised;
static aio__thread_local bool thread_noted; /* its end gives that back */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static asyncio_exception_t statics[] = {
#define STATIC(name, number, python, text)                                    \
    {.code = number, .expected = -1},
    ASYNCIO_ERR_MAP(STATIC)
#undef STATIC
        {.code = ASYNCIO_ERR_TIMEOUT, .expected = -1},
#define STATIC(name, text) {.code = UV_##name, .expected = -1},
    UV_ERRNO_MAP(STATIC)
#undef STATIC
};

static asyncio_exception_t *
find_static(int code)
{
    for (size_t i = 0; i < aio__array_size(statics); i++)
        if (statics[i].code == code)
            return &statics[i];
    return NULL;
}

asyncio_exception_t *
aio__exception_of(int code)
{
    asyncio_exception_t *exception = find_static(code);

    return exception != NULL ? exception : find_static(ASYNCIO_ERR_FAILED);
}

asyncio_exception_t *
aio__exception_new(int code, const char *message)
{
    asyncio_exception_t *exception = aio__calloc(1, sizeof *exception);

    if (exception == NULL)
        return NULL;
    if (message != NULL) {
        exception->message = aio__strdup(message);
        if (exception->message == NULL) {
            aio__free(exception, sizeof *exception);
            return NULL;
        }
    }
    atomic_init(&exception->refs, 1);
    exception->code = code;
    exception->expected = -1;
    return exception;
}

asyncio_exception_t *
aio__exception_ref(asyncio_exception_t *exception)
{
    if (exception != NULL && atomic_load(&exception->refs) != 0)
        atomic_fetch_add(&exception->refs, 1);
    return exception;
}

void
aio__exception_unref(asyncio_exception_t *exception)
{
    if (exception == NULL || atomic_load(&exception->refs) == 0
        || atomic_fetch_sub(&exception->refs, 1) != 1)
        return;
    for (size_t i = 0; i < exception->count; i++)
        aio__exception_unref(exception->errors[i]);
    aio__free(exception->errors, exception->count * sizeof(void *));
    aio__exception_unref(exception->cause);
    aio__strfree(exception->message);
    aio__free(exception->partial, exception->partial_size);
    aio__free(exception, sizeof *exception);
}

int
aio__exception_add(asyncio_exception_t *group, asyncio_exception_t *error)
{
    asyncio_exception_t **errors =
        aio__realloc(group->errors, group->count * sizeof *errors,
                     (group->count + 1) * sizeof *errors);

    if (errors == NULL) {
        aio__exception_unref(error);
        return -ENOMEM;
    }
    group->errors = errors;
    group->errors[group->count++] = error;
    return 0;
}

static asyncio_exception_t **
slot(void)
{
    asyncio_loop_t *loop = aio__running;

    if (loop != NULL && loop->current != NULL)
        return &loop->current->raised;
    return &thread_raised;
}

static void
on_thread_end(void *raised)
{
    asyncio_exception_t **at = raised;

    aio__exception_unref(*at);
    *at = NULL;
    thread_noted = false;
}

static void
make_key(void)
{
    pthread_key_create(&key, on_thread_end);
}

int
aio__raise_exception(int code, asyncio_exception_t *exception)
{
    asyncio_exception_t **raised = slot();
    asyncio_exception_t *former = *raised;

    if (raised == &thread_raised && !thread_noted && exception != NULL) {
        pthread_once(&once, make_key);
        pthread_setspecific(key, &thread_raised);
        thread_noted = true;
    }
    /* Also an error without detail is one that others may have as a cause. */
    *raised = exception != NULL || code >= 0 ? exception : find_static(code);
    aio__exception_unref(former);
    return code;
}

asyncio_exception_t *
aio__raised(int code)
{
    asyncio_exception_t *raised = *slot();

    if (raised == NULL || raised->code != code)
        return NULL;
    return aio__exception_ref(raised);
}

/* Takes the cause. A program that retries for ever must not grow a chain of
 * causes for ever: it begins anew when it is long. */
static void
set_cause(asyncio_exception_t *exception, asyncio_exception_t *cause)
{
    if (cause != NULL && cause->depth >= CAUSES_MAX) {
        aio__exception_unref(cause);
        cause = NULL;
    }
    exception->cause = cause;
    exception->depth = cause != NULL ? (uint16_t) (cause->depth + 1) : 0;
}

int
aio__raise_from(int code)
{
    asyncio_exception_t *exception = aio__exception_new(code, NULL);

    if (exception != NULL)
        set_cause(exception, aio__exception_ref(*slot()));
    return aio__raise_exception(code, exception);
}

__attribute__((format(printf, 5, 0))) static int
raise_va(int code, const char *file, int line, asyncio_exception_t *cause,
         const char *format, va_list args)
{
    char text[512];
    asyncio_exception_t *exception;

    if (format != NULL)
        vsnprintf(text, sizeof text, format, args);
    exception = aio__exception_new(code, format != NULL ? text : NULL);
    if (exception == NULL) {
        aio__exception_unref(cause);
        return aio__raise_exception(code, NULL);
    }
    exception->file = file;
    exception->line = line;
    set_cause(exception, cause);
    return aio__raise_exception(code, exception);
}

int
asyncio_raise_at(int code, const char *file, int line, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = raise_va(code, file, line, NULL, format, args);
    va_end(args);
    return r;
}

int
asyncio_raise_from_at(int code, const char *file, int line, const char *format,
                      ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = raise_va(code, file, line, aio__exception_ref(*slot()), format, args);
    va_end(args);
    return r;
}

int
asyncio_raise_exception(const asyncio_exception_t *exception)
{
    int code = asyncio_exception_code(exception);

    asyncio_exception_ref(exception);
    return aio__raise_exception(
        code, (asyncio_exception_t *) (uintptr_t) exception);
}

const asyncio_exception_t *
asyncio_current_exception(void)
{
    return *slot();
}

const asyncio_exception_t *
asyncio_exception_ref(const asyncio_exception_t *exception)
{
    return aio__exception_ref((asyncio_exception_t *) (uintptr_t) exception);
}

const asyncio_exception_t *
asyncio_exception_unref(const asyncio_exception_t *exception)
{
    aio__exception_unref((asyncio_exception_t *) (uintptr_t) exception);
    return NULL;
}

int
asyncio_exception_code(const asyncio_exception_t *exception)
{
    return exception != NULL ? exception->code : 0;
}

const char *
asyncio_exception_message(const asyncio_exception_t *exception)
{
    return exception != NULL ? exception->message : NULL;
}

const char *
asyncio_exception_place(const asyncio_exception_t *exception, int *ret_line)
{
    if (exception == NULL || exception->file == NULL)
        return NULL;
    if (ret_line != NULL)
        *ret_line = exception->line;
    return exception->file;
}

const asyncio_exception_t *
asyncio_cause(const asyncio_exception_t *exception)
{
    return exception != NULL ? exception->cause : NULL;
}

size_t
asyncio_error_group_count(const asyncio_error_group_t *group)
{
    return group != NULL ? group->count : 0;
}

const asyncio_exception_t *
asyncio_error_group_get(const asyncio_error_group_t *group, size_t i)
{
    return group != NULL && i < group->count ? group->errors[i] : NULL;
}

bool
asyncio_exception_matches(const asyncio_exception_t *exception, int code)
{
    if (exception == NULL)
        return false;
    if (exception->code == code)
        return true;
    for (size_t i = 0; i < exception->count; i++)
        if (asyncio_exception_matches(exception->errors[i], code))
            return true;
    return false;
}

const void *
asyncio_error_partial(const asyncio_exception_t *exception, size_t *ret_size)
{
    if (ret_size != NULL)
        *ret_size = exception != NULL ? exception->partial_size : 0;
    return exception != NULL ? exception->partial : NULL;
}

int64_t
asyncio_error_expected(const asyncio_exception_t *exception)
{
    return exception != NULL ? exception->expected : -1;
}

size_t
asyncio_error_consumed(const asyncio_exception_t *exception)
{
    return exception != NULL ? exception->consumed : 0;
}
