/* SPDX-License-Identifier: MIT */
/*
 * Reading from a StreamReader up to a separator, and line by line.
 *
 * What was looked through once is not looked through again when more comes,
 * but for the bytes in which a separator may have begun. Nothing is consumed
 * before it is known what the read will return.
 *
 * Python counterpart: readuntil and readline of asyncio.StreamReader.
 */
#include <string.h>

#include "io/stream.h"

enum { SHORT_SEPARATOR = 8 }; /* bytes */

/* What to look for. */
struct separators {
    const asyncio_bytes_t *list;
    size_t count;
    size_t shortest;
    size_t longest;
};

static int
measure(struct separators *separators)
{
    separators->shortest = SIZE_MAX;
    separators->longest = 0;
    for (size_t i = 0; i < separators->count; i++) {
        size_t size = separators->list[i].size;

        if (size < separators->shortest)
            separators->shortest = size;
        if (size > separators->longest)
            separators->longest = size;
    }
    if (separators->count == 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Separator should contain at least one "
                                "element");
    if (separators->shortest == 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Separator should be at least one-byte "
                                "string");
    return 0;
}

/* Separators are a few bytes, of which the first is seldom something else:
 * for these it takes a fifth of the time of memmem(), which prepares itself
 * for worse. */
static const char *
search(const char *data, size_t size, const char *separator, size_t length)
{
    const char *end = data + size - length + 1;

    if (length > SHORT_SEPARATOR)
        return memmem(data, size, separator, length);
    for (; data < end; data++) {
        data = memchr(data, separator[0], (size_t) (end - data));
        if (data == NULL)
            return NULL;
        if (memcmp(data, separator, length) == 0)
            return data;
    }
    return NULL;
}

/* The match that ends first; among those, the shortest separator. */
static bool
find(const asyncio_stream_reader_t *reader,
     const struct separators *separators, size_t offset, size_t *ret_start,
     size_t *ret_end)
{
    const char *data = reader->data + reader->start;
    size_t size = aio__reader_size(reader);
    bool found = false;

    for (size_t i = 0; i < separators->count; i++) {
        const asyncio_bytes_t *separator = &separators->list[i];
        const char *at;
        size_t start, end;

        if (separator->size > size - offset)
            continue;
        at = search(data + offset, size - offset, separator->data,
                    separator->size);
        if (at == NULL)
            continue;
        start = (size_t) (at - data);
        end = start + separator->size;
        if (found && (end > *ret_end || (end == *ret_end && start < *ret_start)))
            continue;
        *ret_start = start;
        *ret_end = end;
        found = true;
    }
    return found;
}

static int
raise_overrun(const char *message, size_t consumed)
{
    asyncio_exception_t *exception;
    int r = asyncio_raise_at(ASYNCIO_ERR_LIMIT_OVERRUN, NULL, 0, "%s",
                             message);

    exception = aio__raised(r);
    if (exception == NULL)
        return UV_ENOMEM;
    exception->consumed = consumed;
    aio__exception_unref(exception);
    return r;
}

/* How many bytes there are up to and with a separator; none is consumed. */
static int
seek(asyncio_stream_reader_t *reader, const struct separators *separators,
     size_t *ret_size)
{
    size_t offset = 0, start = 0;
    int r;

    r = aio__reader_begin(reader);
    for (;;) {
        size_t size;

        if (aio__unlikely(r < 0)) /* the reader may be gone */
            return r;
        size = aio__reader_size(reader);
        if (size >= offset + separators->shortest) {
            if (find(reader, separators, offset, &start, ret_size))
                break;
            offset = size + 1 > separators->longest
                ? size + 1 - separators->longest
                : 0;
            if (offset > reader->limit)
                return raise_overrun("Separator is not found, and chunk "
                                     "exceed the limit",
                                     offset);
        }
        if (reader->eof)
            return aio__reader_incomplete(reader, -1);
        r = aio__reader_wait(reader, "readuntil");
    }
    if (start > reader->limit)
        return raise_overrun("Separator is found, but chunk is longer than "
                             "limit",
                             start);
    return 0;
}

static int
until(asyncio_stream_reader_t *reader, const char *separator,
      const asyncio_readuntil_options_t *options, size_t *ret_size)
{
    size_t size = aio__option(options, separator_size, 0);
    asyncio_bytes_t one = {separator != NULL ? separator : "\n", 0};
    struct separators separators = {
        .list = aio__option(options, separators, NULL),
        .count = aio__option(options, separator_count, 0)};
    int r;

    if (separators.list == NULL) {
        one.size = size > 0 && separator != NULL ? size : strlen(one.data);
        separators.list = &one;
        separators.count = 1;
    }
    r = measure(&separators);
    return r < 0 ? r : seek(reader, &separators, ret_size);
}

/* Copy and terminate what was found; consume it. */
static ptrdiff_t
copy_out(asyncio_stream_reader_t *reader, char *buffer, size_t size, size_t n)
{
    if (n >= size)
        return asyncio_raise_at(UV_ENOBUFS, NULL, 0,
                                "%zu bytes do not fit into a buffer of %zu",
                                n, size);
    if (n > 0)
        memcpy(buffer, reader->data + reader->start, n);
    buffer[n] = '\0';
    aio__reader_skip(reader, n);
    return (ptrdiff_t) n;
}

ptrdiff_t
asyncio_stream_reader_readuntil(asyncio_stream_reader_t *reader,
                                const char *separator, char *buffer,
                                size_t size,
                                const asyncio_readuntil_options_t *options)
{
    size_t n;
    int r;

    r = until(reader, separator, options, &n);
    return r < 0 ? r : copy_out(reader, buffer, size, n);
}

int
asyncio_stream_reader_readuntil_view(asyncio_stream_reader_t *reader,
                                     const char *separator,
                                     asyncio_bytes_t *ret_view,
                                     const asyncio_readuntil_options_t *options)
{
    size_t n;
    int r;

    r = until(reader, separator, options, &n);
    if (r < 0)
        return r;
    aio__reader_take(reader, n, ret_view);
    return 0;
}

/* A line above the limit is dropped: up to its newline if that is there. */
static int
drop_line(asyncio_stream_reader_t *reader)
{
    asyncio_exception_t *overrun = aio__raised(ASYNCIO_ERR_LIMIT_OVERRUN);
    size_t consumed = overrun != NULL ? overrun->consumed : 0;
    size_t size = aio__reader_size(reader);
    int r;

    if (consumed < size && reader->data[reader->start + consumed] == '\n')
        size = consumed + 1;
    aio__reader_skip(reader, size);
    r = asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0, "%s",
                         overrun != NULL ? overrun->message : "");
    aio__exception_unref(overrun);
    return r;
}

static const asyncio_bytes_t newline = {"\n", 1};
static const struct separators newlines = {&newline, 1, 1, 1};

/* How long the next line is; 0 at the end of file. */
static int
seek_line(asyncio_stream_reader_t *reader, size_t *ret_size)
{
    size_t offset = 0, start = 0;
    int r;

    r = aio__reader_begin(reader);
    for (;;) {
        size_t size;

        if (aio__unlikely(r < 0))
            return r;
        size = aio__reader_size(reader);
        if (size > offset) {
            if (find(reader, &newlines, offset, &start, ret_size))
                break;
            offset = size;
            if (offset > reader->limit) {
                raise_overrun("Separator is not found, and chunk exceed the "
                              "limit",
                              offset);
                return drop_line(reader);
            }
        }
        if (reader->eof) {
            *ret_size = size;
            return 0;
        }
        r = aio__reader_wait(reader, "readuntil");
    }
    if (aio__unlikely(start > reader->limit)) {
        raise_overrun("Separator is found, but chunk is longer than limit",
                      start);
        return drop_line(reader);
    }
    return 0;
}

ptrdiff_t
asyncio_stream_reader_readline(asyncio_stream_reader_t *reader, char *buffer,
                               size_t size)
{
    size_t n;
    int r;

    r = seek_line(reader, &n);
    return r < 0 ? r : copy_out(reader, buffer, size, n);
}

int
asyncio_stream_reader_readline_view(asyncio_stream_reader_t *reader,
                                    asyncio_bytes_t *ret_view)
{
    size_t n;
    int r;

    r = seek_line(reader, &n);
    if (r < 0)
        return r;
    aio__reader_take(reader, n, ret_view);
    return 0;
}

int
asyncio_stream_reader_next_line(asyncio_stream_reader_t *reader,
                                asyncio_bytes_t *ret_line)
{
    int r;

    r = asyncio_stream_reader_readline_view(reader, ret_line);
    return r < 0 ? r : ret_line->size > 0;
}
