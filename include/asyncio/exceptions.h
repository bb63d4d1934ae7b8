/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_EXCEPTIONS_H
#define ASYNCIO_EXCEPTIONS_H

/**
 * @file exceptions.h
 * Errors: codes, and the detail that travels with them.
 *
 * Every function returns `>= 0` for success and an error code `< 0`
 * otherwise: one of libuv's (`UV_ENOENT`, which is `-ENOENT`) or one of those
 * below. A code is the exception's class. What an exception carries besides
 * (message, place, cause, the errors of a group) is an asyncio_exception_t;
 * the library keeps the newest one of each task and of each failed future.
 */

#include "export.h"

ASYNCIO_BEGIN_DECLS

/** X(NAME, code, Python's class, text) for every error of asyncio itself. */
#define ASYNCIO_ERR_MAP(X)                                                     \
    X(CANCELLED, -5001, "CancelledError", "cancelled")                         \
    X(INVALID_STATE, -5002, "InvalidStateError", "invalid state")              \
    X(RUNTIME, -5003, "RuntimeError", "runtime error")                         \
    X(VALUE, -5004, "ValueError", "invalid value")                             \
    X(TYPE, -5005, "TypeError", "wrong type")                                  \
    X(LOOKUP, -5006, "LookupError", "not found")                               \
    X(NO_RUNNING_LOOP, -5007, "RuntimeError", "no running event loop")         \
    X(LOOP_CLOSED, -5008, "RuntimeError", "event loop is closed")              \
    X(WRONG_LOOP, -5009, "RuntimeError", "attached to a different loop")       \
    X(WRONG_THREAD, -5010, "RuntimeError", "called from the wrong thread")     \
    X(FORKED, -5011, "RuntimeError", "event loop belongs to the parent")       \
    X(DEADLOCK, -5012, "RuntimeError", "every task waits and nothing can wake them") \
    X(QUEUE_EMPTY, -5013, "QueueEmpty", "queue is empty")                      \
    X(QUEUE_FULL, -5014, "QueueFull", "queue is full")                         \
    X(QUEUE_SHUT_DOWN, -5015, "QueueShutDown", "queue is shut down")           \
    X(BROKEN_BARRIER, -5016, "BrokenBarrierError", "barrier is broken")        \
    X(INCOMPLETE_READ, -5017, "IncompleteReadError", "end of file before the read was complete") \
    X(LIMIT_OVERRUN, -5018, "LimitOverrunError", "separator not found within the limit") \
    X(SENDFILE_NOT_AVAILABLE, -5019, "SendfileNotAvailableError", "sendfile is not available") \
    X(EXCEPTION_GROUP, -5020, "ExceptionGroup", "several errors")              \
    X(CLOSED, -5021, "OSError", "closed while in use")                         \
    X(INTERRUPTED, -5022, "KeyboardInterrupt", "interrupted")                  \
    X(SYSTEM_EXIT, -5023, "SystemExit", "exit")                                \
    X(FAILED, -5024, "Exception", "failed")                                    \
    X(SSL, -5025, "SSLError", "TLS error")                                     \
    X(SSL_CERT_VERIFICATION, -5026, "SSLCertVerificationError", "certificate verify failed") \
    X(SSL_EOF, -5027, "SSLEOFError", "the peer went away without ending TLS")

enum {
#define ASYNCIO__ERR_ENUM(name, code, python, text) ASYNCIO_ERR_##name = code,
    ASYNCIO_ERR_MAP(ASYNCIO__ERR_ENUM)
#undef ASYNCIO__ERR_ENUM
    /** TimeoutError; the same number as UV_ETIMEDOUT. */
    ASYNCIO_ERR_TIMEOUT = -110
};

/**
 * Text of an error code, also of libuv's.
 *
 * @python   str(exception)
 * @param    code  an error code
 * @return   a static string, "unknown error" for a number that is none
 * @suspends never
 */
ASYNCIO_EXPORT const char *asyncio_strerror(int code);

/**
 * Name of an error code: "ASYNCIO_ERR_QUEUE_EMPTY", "UV_ENOENT".
 *
 * @python   type(exception).__name__
 * @param    code  an error code
 * @return   a static string
 * @suspends never
 */
ASYNCIO_EXPORT const char *asyncio_err_name(int code);

/**
 * Whether `r` is an error that generic handlers should handle: any but a
 * cancellation, an interrupt or an exit.
 *
 * @python   except Exception
 * @param    r  a result
 * @return   true for such an error
 * @suspends never
 */
static inline bool
asyncio_failed(int r)
{
    return r < 0 && r != ASYNCIO_ERR_CANCELLED && r != ASYNCIO_ERR_INTERRUPTED
        && r != ASYNCIO_ERR_SYSTEM_EXIT;
}

/**
 * Record an error of the running task (or thread) and return its code; use
 * the macro asyncio_raise(), which fills in the place.
 *
 * @python   raise
 * @param    code    an error code < 0
 * @param    file    static string, or NULL
 * @param    line    line in that file
 * @param    format  message as for printf, or NULL
 * @return   `code`; without memory the code still stands, only detail is lost
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_raise_at(int code, const char *file, int line,
                                    const char *format, ...)
    ASYNCIO_PRINTF(4, 5);

#define asyncio_raise(code, ...)                                               \
    asyncio_raise_at((code), __FILE__, __LINE__, __VA_ARGS__)

/**
 * Like asyncio_raise(), with what the task raised before as its cause.
 *
 * @python   raise X from Y
 * @param    code    an error code < 0
 * @param    file    static string, or NULL
 * @param    line    line in that file
 * @param    format  message as for printf, or NULL
 * @return   `code`
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_raise_from_at(int code, const char *file, int line,
                                         const char *format, ...)
    ASYNCIO_PRINTF(4, 5);

#define asyncio_raise_from(code, ...)                                          \
    asyncio_raise_from_at((code), __FILE__, __LINE__, __VA_ARGS__)

/**
 * Make an exception that was kept the newest error again: for a handler that
 * met others in between and passes the first one on.
 *
 * @python   raise exception
 * @param    exception  borrowed; may be NULL, which forgets the newest one
 * @return   its code; 0 for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_raise_exception(const asyncio_exception_t *exception);

/**
 * Detail of the newest error that the running task met, or that this thread
 * met outside any task. Meaningful while its code is the one just returned.
 *
 * @python   sys.exception()
 * @return   borrowed, valid until the task's next error; NULL for none
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *asyncio_current_exception(void);

/**
 * Take a reference to an exception.
 *
 * @python   (a reference)
 * @param    exception  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_exception_ref(const asyncio_exception_t *exception);

/**
 * Drop a reference.
 *
 * @python   del
 * @param    exception  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_exception_unref(const asyncio_exception_t *exception);

/**
 * The code of an exception.
 *
 * @python   type(exception)
 * @param    exception  an exception
 * @return   its code, or 0 for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_exception_code(const asyncio_exception_t *exception);

/**
 * The message an exception was raised or a task was cancelled with.
 *
 * @python   str(exception)
 * @param    exception  an exception
 * @return   borrowed; NULL for none
 * @suspends never
 */
ASYNCIO_EXPORT const char *
asyncio_exception_message(const asyncio_exception_t *exception);

/**
 * Where it was raised.
 *
 * @python   exception.__traceback__
 * @param    exception  an exception
 * @param    ret_line   gets the line; may be NULL
 * @return   static string; NULL when unknown
 * @suspends never
 */
ASYNCIO_EXPORT const char *
asyncio_exception_place(const asyncio_exception_t *exception, int *ret_line);

/**
 * What caused it.
 *
 * @python   exception.__cause__
 * @param    exception  an exception
 * @return   borrowed; NULL for none
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_cause(const asyncio_exception_t *exception);

/** An exception of code ASYNCIO_ERR_EXCEPTION_GROUP. */
typedef struct asyncio_exception asyncio_error_group_t;

/**
 * Number of errors in a group.
 *
 * @python   len(group.exceptions)
 * @param    group  an exception
 * @return   0 for what is no group
 * @suspends never
 */
ASYNCIO_EXPORT size_t
asyncio_error_group_count(const asyncio_error_group_t *group);

/**
 * One error of a group, in the order in which they came.
 *
 * @python   group.exceptions[i]
 * @param    group  an exception
 * @param    i      index below asyncio_error_group_count()
 * @return   borrowed; NULL when out of range
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_error_group_get(const asyncio_error_group_t *group, size_t i);

/**
 * Whether an exception, or any in the groups it holds, has this code.
 *
 * @python   except* X
 * @param    exception  may be NULL
 * @param    code       an error code
 * @return   true when found
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_exception_matches(const asyncio_exception_t *exception, int code);

/**
 * Bytes read before the end of file of an ASYNCIO_ERR_INCOMPLETE_READ.
 *
 * @python   IncompleteReadError.partial
 * @param    exception  an exception
 * @param    ret_size   gets the number of bytes; may be NULL
 * @return   borrowed; NULL when there are none
 * @suspends never
 */
ASYNCIO_EXPORT const void *
asyncio_error_partial(const asyncio_exception_t *exception, size_t *ret_size);

/**
 * Bytes asked for by what ended in ASYNCIO_ERR_INCOMPLETE_READ.
 *
 * @python   IncompleteReadError.expected
 * @param    exception  an exception
 * @return   the number, or -1 where Python says None
 * @suspends never
 */
ASYNCIO_EXPORT int64_t
asyncio_error_expected(const asyncio_exception_t *exception);

/**
 * Bytes that may be consumed after an ASYNCIO_ERR_LIMIT_OVERRUN.
 *
 * @python   LimitOverrunError.consumed
 * @param    exception  an exception
 * @return   the number of bytes
 * @suspends never
 */
ASYNCIO_EXPORT size_t
asyncio_error_consumed(const asyncio_exception_t *exception);

ASYNCIO_END_DECLS

#endif
