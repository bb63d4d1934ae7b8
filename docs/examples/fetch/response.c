/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1.1 response (RFC 9112), a line at a time, and the
 * first line of a chunk. Nothing here waits for anything.
 *
 * A server may be broken or hostile. What could make two readers disagree
 * about where a body ends (two lengths, a length and a coding, folded lines,
 * spaces before a colon) is refused, or at least ends the connection.
 */
#include "response.h"

#include <asyncio.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

/* A piece of a line. */
struct text {
    const char *start;
    size_t size;
};

static bool
is(struct text text, const char *word)
{
    return text.size == strlen(word)
           && strncasecmp(text.start, word, text.size) == 0;
}

static struct text
trimmed(const char *start, size_t size)
{
    while (size > 0 && (*start == ' ' || *start == '\t')) {
        start++;
        size--;
    }
    while (size > 0 && strchr(" \t\r\n", start[size - 1]) != NULL
           && start[size - 1] != '\0')
        size--;
    return (struct text){start, size};
}

/* The next member of a comma-separated list; false at its end. */
static bool
next_member(struct text *list, struct text *ret_member)
{
    if (list->size == 0)
        return false;
    const char *comma = memchr(list->start, ',', list->size);
    size_t size = comma != NULL ? (size_t) (comma - list->start) : list->size;
    size_t step = comma != NULL ? size + 1 : size;

    *ret_member = trimmed(list->start, size);
    list->start += step;
    list->size -= step;
    return true;
}

/* Digits only, and no overflow. */
static bool
parse_decimal(struct text text, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned) (text.start[i] - '0');

        if (digit > 9 || number > ((uint64_t) INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return text.size > 0;
}

void
response_init(struct response *response)
{
    *response = (struct response){0};
}

void
response_fini(struct response *response)
{
    free(response->location);
    response->location = NULL;
}

bool
line_is_empty(const char *line, size_t size)
{
    return size == 0 || line[0] == '\n'
           || (size > 1 && line[0] == '\r' && line[1] == '\n');
}

/* "HTTP/1.1 200 OK" */
static int
status_line(struct response *response, struct text line)
{
    const char *s = line.start;

    if (line.size < 12 || memcmp(s, "HTTP/1.", 7) != 0
        || !isdigit((unsigned char) s[7]) || s[8] != ' '
        || (line.size > 12 && s[12] != ' '))
        return asyncio_raise(UV_EPROTO, "bad status line");
    for (int i = 9; i < 12; i++) {
        if (!isdigit((unsigned char) s[i]))
            return asyncio_raise(UV_EPROTO, "bad status line");
        response->status = response->status * 10 + (s[i] - '0');
    }
    if (response->status < 100 || response->status > 599)
        return asyncio_raise(UV_EPROTO, "bad status %d", response->status);
    response->minor = s[7] == '0' ? 0 : 1;
    return 0;
}

/* One length, which may be repeated as long as it is the same. */
static int
content_length(struct response *response, struct text value)
{
    struct text member;

    if (value.size == 0)
        return asyncio_raise(UV_EPROTO, "bad Content-Length");
    while (next_member(&value, &member)) {
        uint64_t length;

        if (!parse_decimal(member, &length))
            return asyncio_raise(UV_EPROTO, "bad Content-Length");
        if (response->has_length && length != response->length)
            return asyncio_raise(UV_EPROTO, "more than one Content-Length");
        response->length = length;
        response->has_length = true;
    }
    return 0;
}

/* We asked for no other coding, so that only this one can be there. */
static int
transfer_encoding(struct response *response, struct text value)
{
    if (response->has_coding || !is(value, "chunked"))
        return asyncio_raise(UV_EPROTO, "unknown Transfer-Encoding");
    response->has_coding = true;
    response->chunked = true;
    return 0;
}

static int
header(struct response *response, struct text name, struct text value)
{
    struct text member;
    uint64_t number;

    if (is(name, "Content-Length"))
        return content_length(response, value);
    if (is(name, "Transfer-Encoding"))
        return transfer_encoding(response, value);
    if (is(name, "Connection")) {
        while (next_member(&value, &member)) {
            response->close = response->close || is(member, "close");
            response->keep_alive =
                response->keep_alive || is(member, "keep-alive");
        }
    } else if (is(name, "Location") && response->location == NULL) {
        /* Not strndup(): what is there is bytes, and no string. */
        response->location = malloc(value.size + 1);
        if (response->location == NULL)
            return UV_ENOMEM;
        memcpy(response->location, value.start, value.size);
        response->location[value.size] = '\0';
    } else if (is(name, "Retry-After") && parse_decimal(value, &number)) {
        response->retry_after = (double) number;
    }
    return 0;
}

int
response_line(struct response *response, const char *line, size_t size)
{
    struct text whole = trimmed(line, size);

    response->size += size;
    if (response->size > HEAD_SIZE_MAX || response->lines >= HEAD_LINES_MAX)
        return asyncio_raise(UV_EPROTO, "the head of the response is too long");
    if (memchr(line, '\0', size) != NULL)
        return asyncio_raise(UV_EPROTO, "NUL in the head of the response");
    if (response->lines++ == 0)
        return status_line(response, (struct text){line, whole.size});

    if (*line == ' ' || *line == '\t')
        return asyncio_raise(UV_EPROTO, "folded header line");
    const char *colon = memchr(line, ':', whole.size);
    if (colon == NULL || colon == line || colon[-1] == ' ' || colon[-1] == '\t')
        return asyncio_raise(UV_EPROTO, "bad header line");
    size_t name = (size_t) (colon - line);
    return header(response, (struct text){line, name},
                  trimmed(colon + 1, whole.size - name - 1));
}

int
response_end(struct response *response)
{
    if (response->lines == 0)
        return asyncio_raise(UV_EPROTO, "bad status line");
    if (response->minor == 0 && response->chunked)
        return asyncio_raise(UV_EPROTO, "chunks in an HTTP/1.0 response");
    if (response->status < 200 || response->status == 204
        || response->status == 304) {
        response->framing = BODY_LENGTH;
        response->length = 0;
    } else if (response->chunked) {
        response->framing = BODY_CHUNKED;
        response->close = response->close || response->has_length;
    } else if (response->has_length) {
        response->framing = BODY_LENGTH;
    } else {
        response->framing = BODY_TO_CLOSE;
        response->close = true;
    }
    if (response->close)
        response->keep_alive = false;
    else if (response->minor == 1)
        response->keep_alive = true;
    return 0;
}

int
chunk_size_parse(const char *line, size_t size, uint64_t *ret_size)
{
    uint64_t number = 0;
    size_t i = 0;

    for (; i < size && isxdigit((unsigned char) line[i]); i++) {
        unsigned char c = (unsigned char) line[i];

        if (number > INT64_MAX >> 4)
            return asyncio_raise(UV_EPROTO, "chunk size overflows");
        number = number << 4
                 | (unsigned) (isdigit(c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    if (i == 0)
        return asyncio_raise(UV_EPROTO, "bad chunk size");
    /* What follows a semicolon is an extension that means nothing to us. */
    struct text rest = trimmed(line + i, size - i);
    if (rest.size > 0 && *rest.start != ';')
        return asyncio_raise(UV_EPROTO, "bad chunk size");
    *ret_size = number;
    return 0;
}
