/* SPDX-License-Identifier: MIT */
/*
 * A protocol that notes what is called, over every kind of descriptor.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "behaviour.h"

static int
note(asyncio_protocol_t *protocol, char call, int result)
{
    struct recorder *self = (struct recorder *) protocol;
    size_t n = strlen(self->calls);
    bool quiet = self->quiet && strchr("dgu", call) != NULL;

    if (n + 1 < sizeof self->calls && !quiet)
        self->calls[n] = call;
    if (self->called != NULL)
        self->called(self, call);
    return result;
}

static int
on_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    struct recorder *self = (struct recorder *) protocol;

    self->transport = asyncio_transport_ref(transport);
    return note(protocol, 'm', self->made_result);
}

static void
keep(struct recorder *self, const void *data, size_t size)
{
    size_t room = sizeof self->data - 1;

    if (self->size < room)
        memcpy(self->data + self->size, data,
               size < room - self->size ? size : room - self->size);
    self->size += size;
}

static int
on_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    struct recorder *self = (struct recorder *) protocol;

    keep(self, data, size);
    return note(protocol, 'd', self->data_result);
}

static int
on_get_buffer(asyncio_protocol_t *protocol, ptrdiff_t hint, void **ret_buffer,
              size_t *ret_size)
{
    struct recorder *self = (struct recorder *) protocol;

    self->hint = hint;
    *ret_buffer = self->space;
    *ret_size = self->empty_buffer ? 0 : self->buffer;
    return note(protocol, 'g', self->buffer_result);
}

static int
on_updated(asyncio_protocol_t *protocol, size_t size)
{
    struct recorder *self = (struct recorder *) protocol;

    keep(self, self->space, size);
    return note(protocol, 'u', self->data_result);
}

static int
on_eof(asyncio_protocol_t *protocol)
{
    return note(protocol, 'e', ((struct recorder *) protocol)->eof_result);
}

static int
on_pause(asyncio_protocol_t *protocol)
{
    return note(protocol, 'p', ((struct recorder *) protocol)->pause_result);
}

static int
on_resume(asyncio_protocol_t *protocol)
{
    return note(protocol, 'r', ((struct recorder *) protocol)->resume_result);
}

static int
on_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    struct recorder *self = (struct recorder *) protocol;

    self->lost_code = exception != NULL ? asyncio_exception_code(exception) : 0;
    note(protocol, 'l', 0);
    assert_r(asyncio_future_set_result(self->lost, NULL), 0);
    return self->lost_result;
}

static void
on_drop(asyncio_protocol_t *protocol)
{
    note(protocol, 'D', 0);
}

void
recorder_init(struct recorder *self)
{
    self->protocol = (asyncio_protocol_t){
        .connection_made = on_made,
        .data_received = on_data,
        .eof_received = on_eof,
        .pause_writing = on_pause,
        .resume_writing = on_resume,
        .connection_lost = on_lost,
        .drop = on_drop,
    };
    if (self->buffer > 0) {
        self->protocol.get_buffer = on_get_buffer;
        self->protocol.buffer_updated = on_updated;
    }
    self->lost = asyncio_future_new();
}

int
recorder_give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

int
recorder_socket(struct recorder *self)
{
    int ends[2];

    recorder_init(self);
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_loop_connect_accepted_socket(
                 asyncio_get_running_loop(), recorder_give, ends[0], NULL,
                 NULL, .arg = self),
             0);
    return ends[1];
}

int
recorder_tcp(struct recorder *self)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    recorder_init(self);
    ck_assert_int_eq(bind(listener, (struct sockaddr *) &addr, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *) &addr, &size),
                     0);
    ck_assert_int_eq(connect(peer, (struct sockaddr *) &addr, size), 0);
    int fd = accept(listener, NULL, NULL);
    close(listener);
    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    assert_r(asyncio_loop_connect_accepted_socket(asyncio_get_running_loop(),
                                                  recorder_give, fd, NULL,
                                                  NULL, .arg = self),
             0);
    return peer;
}

int
recorder_read_pipe(struct recorder *self)
{
    int ends[2];

    recorder_init(self);
    ck_assert_int_eq(pipe(ends), 0);
    assert_r(asyncio_loop_connect_read_pipe(asyncio_get_running_loop(),
                                            recorder_give, ends[0], NULL, NULL,
                                            .arg = self),
             0);
    return ends[1];
}

int
recorder_write_pipe(struct recorder *self)
{
    int ends[2];

    recorder_init(self);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_r(asyncio_loop_connect_write_pipe(asyncio_get_running_loop(),
                                             recorder_give, ends[1], NULL,
                                             NULL, .arg = self),
             0);
    return ends[0];
}

int
recorder_fd(struct recorder *self)
{
    const int *fd = asyncio_transport_get_extra_info(self->transport, "socket");

    if (fd == NULL)
        fd = asyncio_transport_get_extra_info(self->transport, "pipe");
    ck_assert_ptr_nonnull(fd);
    return *fd;
}

void
recorder_end(struct recorder *self, int peer)
{
    assert_r(asyncio_await(self->lost), 0);
    self->lost = asyncio_future_unref(self->lost);
    self->transport = asyncio_transport_unref(self->transport);
    if (peer >= 0)
        close(peer);
}

void
recorder_close(struct recorder *self, int peer)
{
    asyncio_transport_close(self->transport);
    recorder_end(self, peer);
}

void
recorder_passes(void)
{
    for (int i = 0; i < 4; i++)
        assert_r(asyncio_sleep(0.001), 0);
}

void
recorder_say(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

size_t
recorder_swallow(int fd)
{
    static char buffer[256 * 1024];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        total += (size_t) n;
    return total;
}

void
recorder_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now),
                     0);
    close(fd);
}

void
recorder_fill(struct recorder *self, size_t size)
{
    static char bytes[4096];
    size_t waits = 0;

    while (waits == 0) {
        assert_r(asyncio_transport_write(self->transport, bytes, sizeof bytes),
                 0);
        waits = asyncio_transport_get_write_buffer_size(self->transport);
    }
    ck_assert_uint_le(waits, size);
    while (waits < size) {
        size_t n = size - waits < sizeof bytes ? size - waits : sizeof bytes;

        assert_r(asyncio_transport_write(self->transport, bytes, n), 0);
        waits += n;
    }
    ck_assert_uint_eq(asyncio_transport_get_write_buffer_size(self->transport),
                      size);
}

static int
on_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
          void *arg)
{
    struct reports *reports = arg;

    (void) loop;
    reports->count++;
    reports->code = context->code;
    reports->transport = context->transport;
    reports->protocol = context->protocol;
    snprintf(reports->message, sizeof reports->message, "%s",
             context->message);
    return 0;
}

void
reports_begin(struct reports *reports)
{
    *reports = (struct reports){.count = 0};
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(), on_report,
                                       reports);
}

static void
on_log(asyncio_log_level_t level, const char *text, void *arg)
{
    struct logged *logged = arg;

    snprintf(logged->last, sizeof logged->last, "%s", text);
    if (level == ASYNCIO_LOG_DEBUG)
        logged->debug++;
    if (level != ASYNCIO_LOG_WARNING)
        return;
    logged->warnings++;
    snprintf(logged->warning, sizeof logged->warning, "%s", text);
}

void
logged_begin(struct logged *logged)
{
    *logged = (struct logged){.warnings = 0};
    asyncio_set_log_callback(on_log, logged);
}

void
logged_end(void)
{
    asyncio_set_log_callback(NULL, NULL);
}
