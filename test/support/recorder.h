/* SPDX-License-Identifier: MIT */
/*
 * A protocol that notes what is called, and plain descriptors at the other
 * end of its transport.
 *
 *     struct recorder self = {.eof_result = 1};
 *     int peer = recorder_socket(&self);
 *     recorder_say(peer, "hello");
 *     recorder_passes();
 *     ck_assert_str_eq(self.calls, "md");
 *     recorder_close(&self, peer);
 *
 * The calls: m(ade) d(ata) e(of) p(ause) r(esume) g(et_buffer)
 * u(buffer_updated) l(ost), and at last D(ropped). What is to be returned is set before.
 */
#ifndef TEST_SUPPORT_RECORDER_H
#define TEST_SUPPORT_RECORDER_H

#include <asyncio.h>
#include <stdbool.h>

struct recorder {
    asyncio_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    char calls[128];
    char data[256]; /* the first bytes that came */
    size_t size;    /* all that came */
    size_t buffer;  /* > 0: a buffered protocol, that many bytes at a time */
    ptrdiff_t hint; /* of the newest get_buffer */
    int lost_code;
    int made_result, data_result, eof_result, pause_result, resume_result,
        buffer_result, lost_result;
    bool empty_buffer;
    bool quiet; /* note no d, g, u */
    void (*called)(struct recorder *self, char call); /* may be NULL */
    asyncio_future_t *lost;
    char space[128];
};

/* A transport on one end; the other one, non-blocking, is returned. */
int recorder_socket(struct recorder *self);
int recorder_tcp(struct recorder *self);
int recorder_read_pipe(struct recorder *self);
int recorder_write_pipe(struct recorder *self);

/* The protocol alone, and a factory that gives it away. */
void recorder_init(struct recorder *self);
int recorder_give(void *arg, asyncio_protocol_t **ret_protocol);

/* The descriptor of its transport. */
int recorder_fd(struct recorder *self);

/* Wait for connection_lost, and let go of everything; `peer` may be -1.
 * _close closes the transport before. */
void recorder_end(struct recorder *self, int peer);
void recorder_close(struct recorder *self, int peer);

/* Some passes of the loop, each with a poll. */
void recorder_passes(void);

void recorder_say(int fd, const char *text);
size_t recorder_swallow(int fd);
/* Send a reset to the other end. */
void recorder_reset(int fd);
/* Fill the buffers of the system: then the transport has `size` to send. */
void recorder_fill(struct recorder *self, size_t size);

/* What the exception handler of the running loop got from now on. */
struct reports {
    int count;
    int code;
    char message[160];
    void *transport;
    void *protocol;
};
void reports_begin(struct reports *reports);

/* What is logged from now on. */
struct logged {
    int warnings;
    int debug;
    char warning[160];
    char last[160];
};
void logged_begin(struct logged *logged);
void logged_end(void);

#endif
