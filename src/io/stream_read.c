/* SPDX-License-Identifier: MIT */
/*
 * Reading from a StreamReader by number.
 *
 * Each read is one function that gives a view; the copying form looks where
 * the view would be and copies.
 *
 * Python counterpart: read and readexactly of asyncio.StreamReader.
 */
#include <string.h>

#include "base/alloc.h"
#include "io/stream.h"

/* Until there are bytes, or the end. */
static int
wait_for_any(asyncio_stream_reader_t *reader)
{
    int r;

    r = aio__reader_begin(reader);
    if (r < 0 || aio__reader_size(reader) > 0 || reader->eof)
        return r;
    return aio__reader_wait(reader, "read");
}

ptrdiff_t
asyncio_stream_reader_read(asyncio_stream_reader_t *reader, void *buffer,
                           size_t n)
{
    size_t size;
    int r;

    if (n == 0)
        return aio__reader_begin(reader);
    r = wait_for_any(reader);
    if (aio__unlikely(r < 0))
        return r;
    size = aio__reader_size(reader);
    if (size > n)
        size = n;
    if (aio__likely(size > 0))
        memcpy(buffer, reader->data + reader->start, size);
    aio__reader_skip(reader, size);
    return (ptrdiff_t) size;
}

int
aio__reader_wait_eof(asyncio_stream_reader_t *reader)
{
    int r;

    r = aio__reader_begin(reader);
    while (r >= 0 && !reader->eof) {
        r = aio__reader_wait(reader, "read");
        if (r >= 0 && reader->code < 0)
            r = aio__reader_begin(reader);
    }
    return r;
}

static int
read_all(asyncio_stream_reader_t *reader, asyncio_bytes_t *ret_view)
{
    int r = aio__reader_wait_eof(reader);

    if (r < 0)
        return r;
    aio__reader_take(reader, aio__reader_size(reader), ret_view);
    return 0;
}

int
asyncio_stream_reader_read_view(asyncio_stream_reader_t *reader, size_t n,
                                asyncio_bytes_t *ret_view)
{
    int r;

    if (n == ASYNCIO_READ_ALL)
        return read_all(reader, ret_view);
    r = n > 0 ? wait_for_any(reader) : aio__reader_begin(reader);
    if (r < 0)
        return r;
    aio__reader_take(reader,
                     n < aio__reader_size(reader) ? n
                                                  : aio__reader_size(reader),
                     ret_view);
    return 0;
}

int
aio__reader_incomplete(asyncio_stream_reader_t *reader, int64_t expected)
{
    size_t size = aio__reader_size(reader);
    asyncio_exception_t *exception;

    if (expected >= 0)
        asyncio_raise_at(ASYNCIO_ERR_INCOMPLETE_READ, NULL, 0,
                         "%zu bytes read on a total of %lld expected bytes",
                         size, (long long) expected);
    else
        asyncio_raise_at(ASYNCIO_ERR_INCOMPLETE_READ, NULL, 0,
                         "%zu bytes read on a total of undefined expected "
                         "bytes",
                         size);
    exception = aio__raised(ASYNCIO_ERR_INCOMPLETE_READ);
    if (exception == NULL)
        return UV_ENOMEM;
    exception->expected = expected;
    if (size > 0) {
        exception->partial = aio__alloc(size);
        if (exception->partial == NULL) {
            aio__exception_unref(exception);
            return aio__raise_exception(UV_ENOMEM, NULL);
        }
        memcpy(exception->partial, reader->data + reader->start, size);
        exception->partial_size = size;
    }
    aio__exception_unref(exception);
    aio__reader_skip(reader, size);
    return ASYNCIO_ERR_INCOMPLETE_READ;
}

static int
wait_for(asyncio_stream_reader_t *reader, size_t n)
{
    int r;

    r = aio__reader_begin(reader);
    while (aio__unlikely(r >= 0 && aio__reader_size(reader) < n)) {
        if (reader->eof)
            return aio__reader_incomplete(reader, (int64_t) n);
        r = aio__reader_wait(reader, "readexactly");
    }
    return r;
}

ptrdiff_t
asyncio_stream_reader_readexactly(asyncio_stream_reader_t *reader,
                                  void *buffer, size_t n)
{
    int r;

    if (n > PTRDIFF_MAX)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "readexactly size can not be less than zero");
    r = wait_for(reader, n);
    if (aio__unlikely(r < 0))
        return r;
    if (n > 0)
        memcpy(buffer, reader->data + reader->start, n);
    aio__reader_skip(reader, n);
    return (ptrdiff_t) n;
}

int
asyncio_stream_reader_readexactly_view(asyncio_stream_reader_t *reader,
                                       size_t n, asyncio_bytes_t *ret_view)
{
    int r;

    if (n > PTRDIFF_MAX)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "readexactly size can not be less than zero");
    r = wait_for(reader, n);
    if (r < 0)
        return r;
    aio__reader_take(reader, n, ret_view);
    return 0;
}
