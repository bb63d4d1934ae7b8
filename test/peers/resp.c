/* SPDX-License-Identifier: MIT */
/*
 * The protocol of redis: a command is an array of strings with their lengths
 * in front, a reply begins with a letter for its type.
 */
#include "resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ARGUMENTS_MAX = 16 };

int
resp_connect(struct resp *resp, int port)
{
    return asyncio_open_connection("127.0.0.1", port, &resp->reader,
                                   &resp->writer);
}

void
resp_close(struct resp *resp)
{
    asyncio_stream_writer_close(resp->writer);
    (void) !asyncio_stream_writer_wait_closed(resp->writer);
    asyncio_stream_writer_unref(resp->writer);
    asyncio_stream_reader_unref(resp->reader);
}

int
resp_send(struct resp *resp, const asyncio_bytes_t *arguments, size_t count)
{
    asyncio_bytes_t parts[1 + 3 * ARGUMENTS_MAX];
    char heads[1 + ARGUMENTS_MAX][32];
    size_t n = 0;

    if (count > ARGUMENTS_MAX)
        return asyncio_raise(ASYNCIO_ERR_VALUE, "too many arguments");
    int size = snprintf(heads[count], sizeof heads[count], "*%zu\r\n", count);
    parts[n++] = (asyncio_bytes_t){heads[count], (size_t) size};
    for (size_t i = 0; i < count; i++) {
        size = snprintf(heads[i], sizeof heads[i], "$%zu\r\n",
                        arguments[i].size);
        parts[n++] = (asyncio_bytes_t){heads[i], (size_t) size};
        parts[n++] = arguments[i];
        parts[n++] = (asyncio_bytes_t){"\r\n", 2};
    }
    return asyncio_stream_writer_writelines(resp->writer, parts, n);
}

int
resp_command(struct resp *resp, const char *first, ...)
{
    asyncio_bytes_t arguments[ARGUMENTS_MAX];
    size_t count = 0;
    va_list list;

    va_start(list, first);
    for (const char *text = first; text != NULL && count < ARGUMENTS_MAX;
         text = va_arg(list, const char *))
        arguments[count++] = (asyncio_bytes_t){text, strlen(text)};
    va_end(list);
    return resp_send(resp, arguments, count);
}

/* A view has no NUL. */
static int64_t
number_of(asyncio_bytes_t text)
{
    const char *digits = text.data;
    size_t sign = text.size > 0 && digits[0] == '-';
    int64_t n = 0;

    for (size_t i = sign; i < text.size; i++)
        n = n * 10 + (digits[i] - '0');
    return sign ? -n : n;
}

static int
string_of(struct resp *resp, struct resp_reply *reply)
{
    size_t size = (size_t) reply->number;
    int r;

    if (reply->number < 0) {
        reply->type = '_';
        return 0;
    }
    r = asyncio_stream_reader_readexactly_view(resp->reader, size + 2,
                                               &reply->text);
    if (r < 0)
        return r;
    if (memcmp((const char *) reply->text.data + size, "\r\n", 2) != 0)
        return asyncio_raise(ASYNCIO_ERR_VALUE, "a string has no end");
    reply->text.size = size;
    return 0;
}

int
resp_reply(struct resp *resp, struct resp_reply *ret)
{
    struct resp_reply reply = {0};
    asyncio_bytes_t line;
    int r = asyncio_stream_reader_readuntil_view(resp->reader, "\r\n", &line);

    if (r < 0)
        return r;
    const char *text = line.data;
    reply.type = text[0];
    reply.text = (asyncio_bytes_t){text + 1, line.size - 3};
    switch (reply.type) {
    case '+':
    case '-':
        break;
    case ':':
    case '*':
    case '$':
        reply.number = number_of(reply.text);
        if (reply.type == '*' && reply.number < 0)
            reply.type = '_';
        if (reply.type == '$')
            r = string_of(resp, &reply);
        break;
    default:
        r = asyncio_raise(ASYNCIO_ERR_VALUE, "no reply begins with %#x",
                          (unsigned char) reply.type);
    }
    if (r >= 0)
        *ret = reply;
    return r;
}
