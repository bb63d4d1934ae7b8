/* SPDX-License-Identifier: MIT */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include <asyncio.h>

#include "response.h"
#include "url.h"

/* Takes a piece of a body; an error ends the transfer. */
typedef int (*body_sink_t)(void *arg, const void *data, size_t size);

/* Send a request. */
int http_get(asyncio_stream_writer_t *writer, const struct url *url);

/* Wait for the head of a response. Errors: UV_EPROTO for what is none,
 * ASYNCIO_ERR_INCOMPLETE_READ when the server closes; `response->lines` is 0
 * when it did so without a word. */
ASYNCIO_NODISCARD int http_read_head(asyncio_stream_reader_t *reader,
                                     struct response *response);

/* Wait for the body and give it to `sink`, piece by piece. */
ASYNCIO_NODISCARD int http_read_body(asyncio_stream_reader_t *reader,
                                     const struct response *response,
                                     body_sink_t sink, void *arg);

#endif
