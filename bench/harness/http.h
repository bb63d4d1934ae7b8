/* SPDX-License-Identifier: MIT */
/*
 * What every hand-written HTTP client of the suite shares: the request, how
 * many of them, and the size of the reply, which nginx is configured to send
 * with a Content-Length and the same headers every time.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <string.h>

enum {
    HTTP_AT_ONCE = 1000,
    HTTP_KEEPALIVE = 20000, /* requests */
    HTTP_NEW = 10000,       /* requests, each on a connection of its own */
};

#define HTTP_GET       "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
#define HTTP_GET_CLOSE "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
#define HTTP_LENGTH    "Content-Length: "

/* Bytes of a whole reply at the start of `text`, which ends in NUL; 0: more. */
static inline size_t
http_reply_size(const char *text, size_t size)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, HTTP_LENGTH);
    if (end == NULL || length == NULL)
        return 0;
    size_t total = (size_t) (end + 4 - text), body = 0;
    for (length += sizeof HTTP_LENGTH - 1; *length >= '0' && *length <= '9'; length++)
        body = body * 10 + (size_t) (*length - '0');
    return size >= total + body ? total + body : 0;
}

#endif
