/* SPDX-License-Identifier: MIT */
/*
 * A stream on one end of a socket pair, made of its parts; the other end is
 * plain and non-blocking.
 *
 *     struct pair s = pair_open(0);
 *     pair_say(&s, "hello");
 *     ... read from s.reader ...
 *     pair_close(&s);
 */
#ifndef TEST_SUPPORT_PAIR_H
#define TEST_SUPPORT_PAIR_H

#include <asyncio.h>

struct pair {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    int peer;
};

/* The limit of the reader in bytes; 0 for the usual one. */
struct pair pair_open(size_t limit);

/* The same where memory may be missing: 0 or an error, and drop it anyway. */
int pair_try(struct pair *self, size_t limit);

/* For a reader that is there, and the protocol that feeds it. */
int pair_connect(struct pair *self, asyncio_protocol_t *protocol);

/* From the other end. */
void pair_say(const struct pair *self, const char *text);

/* Let go of everything; _close closes the stream before, and waits for that. */
void pair_drop(struct pair *self);
void pair_close(struct pair *self);

#endif
