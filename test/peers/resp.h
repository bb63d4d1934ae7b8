/* SPDX-License-Identifier: MIT */
/* A small client of redis over streams: commands out, replies in, in order. */
#ifndef TEST_PEERS_RESP_H
#define TEST_PEERS_RESP_H

#include <asyncio.h>
#include <stddef.h>
#include <stdint.h>

struct resp {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
};

/* One reply; an array's elements are replies that follow. */
struct resp_reply {
    char type;             /* '+' status, '-' error, ':' number, '$' string,
                            * '*' array, '_' none of the last two */
    int64_t number;        /* of a ':', or how many follow a '*' */
    asyncio_bytes_t text;  /* of '+', '-' and '$'; until the next read */
};

int resp_connect(struct resp *resp, int port);
void resp_close(struct resp *resp);

/* Queue a command of `count` arguments, without waiting for anything. */
int resp_send(struct resp *resp, const asyncio_bytes_t *arguments,
              size_t count);
/* The same for strings; the last one is followed by NULL. */
int resp_command(struct resp *resp, const char *first, ...)
    __attribute__((sentinel));
/* Wait for the next reply. */
int resp_reply(struct resp *resp, struct resp_reply *ret);

#endif
