/* SPDX-License-Identifier: MIT */
/*
 * How transports begin and end, in which pass; what is fatal and who is told;
 * and what a kind of transport cannot do.
 */
#include <asyncio.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "faults.h"
#include "recorder.h"

#define LOOP asyncio_get_running_loop()

/* parity: test_selector_events.py SelectorTransportTests test_fatal_error */
BEHAVIOUR(errors_of_the_system_are_logged_in_debug_mode_only, .times = 2)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    struct reports reports;
    struct logged logged;

    reports_begin(&reports);
    logged_begin(&logged);
    asyncio_loop_set_debug(LOOP, _i == 1);
    fault(SEND, recorder_fd(&self), .error = EPIPE);
    assert_r(asyncio_transport_write(self.transport, "x", 1), 0);
    ck_assert(asyncio_transport_is_closing(self.transport));
    recorder_end(&self, peer);
    logged_end();
    ck_assert_int_eq(self.lost_code, UV_EPIPE);
    ck_assert_int_eq(reports.count, 0);
    ck_assert_int_eq(logged.warnings, 0);
    ck_assert_int_eq(logged.debug, _i);
}

/* parity: test_selector_events.py SelectorTransportTests test_fatal_error_custom_exception */
BEHAVIOUR(errors_of_the_protocol_go_to_the_exception_handler)
{
    struct recorder self = {.data_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_say(peer, "x");
    recorder_end(&self, peer);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_FAILED);
    ck_assert_str_eq(reports.message,
                     "Fatal error: protocol.data_received() call failed.");
    ck_assert_ptr_nonnull(reports.transport);
    ck_assert_ptr_eq(reports.protocol, &self.protocol);
    ck_assert_int_eq(self.lost_code, ASYNCIO_ERR_FAILED);
}

/* parity: test_selector_events.py SelectorTransportTests test_connection_lost */
BEHAVIOUR(connection_lost_lets_go_of_the_socket_and_the_protocol, .times = 2)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_socket(&self);
    int fd = recorder_fd(&self);

    if (_i == 0) {
        asyncio_transport_abort(self.transport);
    } else {
        fault(SEND, fd, .error = ENETDOWN);
        assert_r(asyncio_transport_write(self.transport, "x", 1), 0);
    }
    ck_assert_str_eq(self.calls, "m");
    ck_assert_int_ne(fcntl(fd, F_GETFD), -1);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, _i == 0 ? 0 : UV_ENETDOWN);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_ptr_null(asyncio_transport_get_protocol(self.transport));
    asyncio_transport_abort(self.transport);
    asyncio_transport_close(self.transport);
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    recorder_end(&self, peer);
}

BEHAVIOUR(an_error_of_connection_lost_is_reported_and_changes_nothing)
{
    struct recorder self = {.lost_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_close(&self, peer);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "Exception in callback");
}

BEHAVIOUR(an_error_of_connection_made_is_reported_and_reading_begins)
{
    struct recorder self = {.made_result = ASYNCIO_ERR_FAILED};
    struct reports reports;

    reports_begin(&reports);
    int peer = recorder_socket(&self);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "Exception in callback");
    recorder_say(peer, "x");
    recorder_passes();
    ck_assert_str_eq(self.calls, "md");
    recorder_close(&self, peer);
}

BEHAVIOUR(errors_of_flow_control_are_reported_and_writing_goes_on)
{
    struct recorder self = {.pause_result = ASYNCIO_ERR_FAILED,
                            .resume_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_fill(&self, 65537);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "protocol.pause_writing() failed");
    while (asyncio_transport_get_write_buffer_size(self.transport) > 0) {
        recorder_swallow(peer);
        recorder_passes();
    }
    ck_assert_int_eq(reports.count, 2);
    ck_assert_str_eq(reports.message, "protocol.resume_writing() failed");
    ck_assert_str_eq(self.calls, "mpr");
    recorder_close(&self, peer);
}

static void
abort_when_resumed(struct recorder *self, char call)
{
    if (call == 'r')
        asyncio_transport_abort(self->transport);
}

BEHAVIOUR(aborting_in_resume_writing_ends_it_once)
{
    struct recorder self = {.called = abort_when_resumed};
    int peer = recorder_socket(&self);

    assert_r(asyncio_transport_set_write_buffer_limits(self.transport, 0, 0),
             0);
    fault(SEND, recorder_fd(&self), .error = EAGAIN);
    assert_r(asyncio_transport_write(self.transport, "x", 1), 0);
    asyncio_transport_close(self.transport);
    recorder_passes();
    ck_assert_str_eq(self.calls, "mprlD");
    recorder_end(&self, peer);
}

BEHAVIOUR(a_debugged_transport_says_what_happens_to_it, .times = 2)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    struct logged logged;

    asyncio_loop_set_debug(LOOP, _i == 1);
    logged_begin(&logged);
    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    ck_assert_str_eq(strstr(logged.last, "pauses") != NULL
                         ? strstr(logged.last, "pauses")
                         : "",
                     _i == 1 ? "pauses reading" : "");
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    ck_assert_int_eq(logged.debug, 2 * _i);
    close(peer);
    recorder_end(&self, -1);
    logged_end();
    ck_assert_int_eq(logged.debug, 3 * _i);
    ck_assert_int_eq(strstr(logged.last, "received EOF") != NULL, _i);
    ck_assert_int_eq(logged.warnings, 0);
}

/* In which pass what happened. */
static int pass, accepted, made_protocol, made_connection;

int
accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict size,
        int flags)
{
    int r = (int) syscall(SYS_accept4, fd, addr, size, flags);

    if (r >= 0)
        accepted = pass;
    return r;
}

static int
give_and_note(void *arg, asyncio_protocol_t **ret_protocol)
{
    made_protocol = pass;
    return recorder_give(arg, ret_protocol);
}

static void
note_pass(struct recorder *self, char call)
{
    (void) self;
    if (call == 'm')
        made_connection = pass;
}

static int
connect_to(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t) port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *) &addr, sizeof addr), 0);
    return fd;
}

BEHAVIOUR(an_accepted_client_has_a_protocol_a_pass_later_and_then_begins)
{
    struct recorder self = {.called = note_pass};
    asyncio_server_t *server;

    recorder_init(&self);
    assert_r(asyncio_loop_create_server(LOOP, give_and_note, "127.0.0.1", 0,
                                        &server, .arg = &self),
             0);
    int peer = connect_to(asyncio_server_port(server));
    for (pass = 1; made_connection == 0 && pass < 1000; pass++)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_int_gt(accepted, 0);
    ck_assert_int_eq(made_protocol, accepted + 1);
    ck_assert_int_eq(made_connection, accepted + 2);
    asyncio_server_close(server);
    recorder_close(&self, peer);
    asyncio_server_unref(server);
}

BEHAVIOUR(a_client_whose_server_is_closed_before_it_has_a_protocol_is_closed)
{
    struct recorder self = {.size = 0};
    asyncio_server_t *server;
    char byte;

    recorder_init(&self);
    made_protocol = accepted = 0;
    assert_r(asyncio_loop_create_server(LOOP, give_and_note, "127.0.0.1", 0,
                                        &server, .arg = &self),
             0);
    int peer = connect_to(asyncio_server_port(server));
    for (pass = 1; accepted == 0 && pass < 1000; pass++)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_int_gt(accepted, 0);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    recorder_passes();
    ck_assert_int_eq(made_protocol, 0);
    ck_assert_int_le(read(peer, &byte, 1), 0);
    asyncio_server_unref(server);
    asyncio_future_unref(self.lost);
    close(peer);
}

/* parity: test_transports.py TransportTests test_ctor_extra_is_none */
BEHAVIOUR(what_is_not_known_about_a_transport_is_null)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);

    ck_assert_ptr_null(
        asyncio_transport_get_extra_info(self.transport, "unknown"));
    ck_assert_ptr_null(
        asyncio_transport_get_extra_info(self.transport, "peername"));
    ck_assert_ptr_null(asyncio_transport_get_extra_info(self.transport, NULL));
    ck_assert_ptr_nonnull(
        asyncio_transport_get_extra_info(self.transport, "pipe"));
    recorder_close(&self, peer);
}

BEHAVIOUR(the_names_of_both_ends_are_known_to_the_end)
{
    struct recorder self = {.size = 0};
    int peer = recorder_tcp(&self);
    asyncio_transport_t *transport = self.transport;
    const struct sockaddr *name =
        asyncio_transport_get_extra_info(transport, "sockname");
    struct sockaddr_in other;
    socklen_t size = sizeof other;

    getpeername(peer, (struct sockaddr *) &other, &size);
    ck_assert_int_eq(asyncio_sockaddr_port(name), ntohs(other.sin_port));
    name = asyncio_transport_get_extra_info(transport, "peername");
    getsockname(peer, (struct sockaddr *) &other, &size);
    ck_assert_int_eq(asyncio_sockaddr_port(name), ntohs(other.sin_port));
    asyncio_transport_ref(transport);
    recorder_close(&self, peer);
    ck_assert_ptr_eq(asyncio_transport_get_extra_info(transport, "peername"),
                     name);
    asyncio_transport_unref(transport);
}

/* parity: test_transports.py TransportTests test_writelines */
BEHAVIOUR(writelines_is_one_write_of_everything)
{
    static const asyncio_bytes_t three[] = {{"data1", 5}, {"", 0}, {"2", 1}};
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);
    char text[16] = "";

    fault(WRITEV, recorder_fd(&self), .times = -1);
    assert_r(asyncio_transport_writelines(self.transport, three, 3), 0);
    ck_assert_int_eq(faults[WRITEV].seen, 1);
    ck_assert_int_eq(read(peer, text, sizeof text), 6);
    ck_assert_str_eq(text, "data12");
    recorder_close(&self, peer);
}

BEHAVIOUR(after_an_end_of_file_nothing_can_be_written)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    const asyncio_bytes_t one = {"x", 1};
    char byte;

    assert_r(asyncio_transport_write_eof(self.transport), 0);
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    assert_r(asyncio_transport_write(self.transport, "x", 1),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "Cannot call write() after write_eof()");
    assert_r(asyncio_transport_writelines(self.transport, &one, 1),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "Cannot call writelines() after write_eof()");
    recorder_say(peer, "still read");
    recorder_passes();
    ck_assert_str_eq(self.data, "still read");
    recorder_close(&self, peer);
}

/* parity: test_transports.py TransportTests test_not_implemented */
BEHAVIOUR(what_a_transport_cannot_do_is_an_error)
{
    struct recorder reader = {.size = 0}, writer = {.size = 0};
    int in = recorder_read_pipe(&reader), out = recorder_write_pipe(&writer);
    const asyncio_bytes_t one = {"x", 1};

    assert_r(asyncio_transport_write(reader.transport, "x", 1), UV_ENOTSUP);
    assert_r(asyncio_transport_writelines(reader.transport, &one, 1),
             UV_ENOTSUP);
    assert_r(asyncio_transport_write_eof(reader.transport), UV_ENOTSUP);
    ck_assert(!asyncio_transport_can_write_eof(reader.transport));
    assert_r(asyncio_transport_pause_reading(writer.transport), UV_ENOTSUP);
    assert_r(asyncio_transport_resume_reading(writer.transport), UV_ENOTSUP);
    ck_assert(!asyncio_transport_is_reading(writer.transport));
    recorder_close(&reader, in);
    recorder_close(&writer, out);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_trsock */
BEHAVIOUR(the_sockets_of_a_server_are_to_be_looked_at)
{
    asyncio_server_t *server;
    size_t count;

    assert_r(asyncio_loop_create_server(LOOP, recorder_give, "127.0.0.1", 0,
                                        &server),
             0);
    const int *sockets = asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_ne(fcntl(sockets[0], F_GETFL) & O_NONBLOCK, 0);
    int copy = dup(sockets[0]);
    ck_assert_int_ge(copy, 0);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    ck_assert_ptr_ne(server, NULL);
    (void) asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_ne(fcntl(copy, F_GETFD), -1);
    asyncio_server_unref(server);
    close(copy);
}
