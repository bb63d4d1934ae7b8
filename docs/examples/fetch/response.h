/* SPDX-License-Identifier: MIT */
#ifndef FETCH_RESPONSE_H
#define FETCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAD_SIZE_MAX = 64 * 1024,
    HEAD_LINES_MAX = 256
};

/* How the end of a body is found. */
enum framing {
    BODY_LENGTH,   /* after so many bytes */
    BODY_CHUNKED,  /* after a chunk of size 0, and trailers */
    BODY_TO_CLOSE, /* when the server closes the connection */
};

/* The head of a response; begin with response_init(). */
struct response {
    int status;           /* 100 to 599 */
    int minor;            /* of HTTP/1.x: 0 or 1 */
    enum framing framing; /* valid after response_end() */
    uint64_t length;      /* of the body, with BODY_LENGTH */
    bool keep_alive;      /* whether another request may follow */
    double retry_after;   /* seconds; 0 unless the server said it */
    char *location;       /* where a redirect leads; owned; NULL for none */

    /* private: while the head is parsed */
    size_t size; /* of the lines so far, in bytes */
    int lines;
    bool has_length, has_coding, chunked, close;
};

void response_init(struct response *response);
void response_fini(struct response *response);

/* Take the next line, with or without its line end. On failure: UV_EPROTO,
 * and the reason as the current exception. */
int response_line(struct response *response, const char *line, size_t size);

/* The empty line came: decide how the body ends. */
int response_end(struct response *response);

/* Whether a line is the empty one. */
bool line_is_empty(const char *line, size_t size);

/* The size in the first line of a chunk. */
int chunk_size_parse(const char *line, size_t size, uint64_t *ret_size);

#endif
