/* SPDX-License-Identifier: MIT */
/*
 * Reading of socket transports: what is delivered, and what errors, ends and
 * refusals of the protocol do. Each twice, for plain (_i = 0) and for buffered
 * protocols (_i = 1).
 */
#include <asyncio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "faults.h"
#include "recorder.h"

enum { PIECE = 100 }; /* bytes at most that a buffered protocol takes */

#define EITHER .buffer = _i == 0 ? 0 : PIECE

/* parity: test_selector_events.py SelectorSocketTransportTests test_ctor_with_waiter */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_ctor */
BEHAVIOUR(connecting_ends_with_connection_made_and_then_reads, .times = 2)
{
    struct recorder self = {EITHER};
    int peer = recorder_socket(&self);

    ck_assert_str_eq(self.calls, "m");
    ck_assert(asyncio_transport_is_reading(self.transport));
    recorder_say(peer, "hello");
    recorder_passes();
    ck_assert_str_eq(self.calls, _i == 0 ? "md" : "mgu");
    ck_assert_str_eq(self.data, "hello");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorTransportTests test__add_reader */
BEHAVIOUR(nothing_is_read_once_a_transport_closes, .times = 2)
{
    struct recorder self = {EITHER};
    int peer = recorder_socket(&self);

    recorder_say(peer, "late");
    asyncio_transport_close(self.transport);
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    ck_assert(!asyncio_transport_is_reading(self.transport));
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    recorder_end(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_eof_received_error */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_eof_received_error */
BEHAVIOUR(an_error_of_eof_received_is_fatal, .times = 2)
{
    struct recorder self = {EITHER, .eof_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    close(peer);
    recorder_end(&self, -1);
    ck_assert_int_eq(self.lost_code, ASYNCIO_ERR_FAILED);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message,
                     "Fatal error: protocol.eof_received() call failed.");
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready_eof */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready_eof */
BEHAVIOUR(an_end_of_file_closes_the_transport, .times = 2)
{
    struct recorder self = {EITHER, .eof_result = 0};
    int peer = recorder_socket(&self);

    close(peer);
    recorder_end(&self, -1);
    ck_assert_str_eq(self.calls, _i == 0 ? "melD" : "mgelD");
    ck_assert_int_eq(self.lost_code, 0);
}

/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready_eof_keep_open */
BEHAVIOUR(a_true_result_of_eof_received_keeps_it_open, .times = 2)
{
    struct recorder self = {EITHER, .eof_result = 1};
    int peer = recorder_socket(&self);
    char text[8] = "";

    shutdown(peer, SHUT_WR);
    recorder_passes();
    ck_assert_str_eq(self.calls, _i == 0 ? "me" : "mge");
    ck_assert(!asyncio_transport_is_closing(self.transport));
    assert_r(asyncio_transport_write(self.transport, "still", 5), 0);
    ck_assert_int_eq(read(peer, text, sizeof text), 5);
    recorder_close(&self, peer);
}

static void
survives(int error, int buffered)
{
    struct recorder self = {.buffer = buffered ? PIECE : 0};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    fault(RECV, recorder_fd(&self), .error = error);
    recorder_say(peer, "again");
    recorder_passes();
    ck_assert_int_eq(faults[RECV].seen, 2);
    ck_assert_str_eq(self.data, "again");
    ck_assert(!asyncio_transport_is_closing(self.transport));
    ck_assert_int_eq(reports.count, 0);
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready_tryagain */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready_tryagain */
BEHAVIOUR(a_read_that_would_block_is_tried_again, .times = 2)
{
    survives(EAGAIN, _i);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready_tryagain_interrupted */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready_tryagain_interrupted */
BEHAVIOUR(a_read_that_is_interrupted_is_tried_again, .times = 2)
{
    survives(EINTR, _i);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready_conn_reset */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready_conn_reset */
BEHAVIOUR(a_reset_ends_the_connection_with_that_error, .times = 2)
{
    struct recorder self = {EITHER};
    int peer = recorder_tcp(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_reset(peer);
    recorder_end(&self, -1);
    ck_assert_int_eq(self.lost_code, UV_ECONNRESET);
    ck_assert_int_eq(reports.count, 0);
    ck_assert_ptr_null(strchr(self.calls, 'e'));
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_read_ready_err */
/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready_err */
BEHAVIOUR(any_other_error_of_reading_is_fatal, .times = 2)
{
    struct recorder self = {EITHER};
    int peer = recorder_socket(&self);
    struct logged logged;

    asyncio_loop_set_debug(asyncio_get_running_loop(), true);
    logged_begin(&logged);
    fault(RECV, recorder_fd(&self), .error = EIO);
    recorder_say(peer, "x");
    recorder_end(&self, peer);
    logged_end();
    ck_assert_int_eq(self.lost_code, UV_EIO);
    ck_assert_int_eq(logged.debug, 1);
    ck_assert_ptr_nonnull(
        strstr(logged.last, "Fatal read error on socket transport"));
}

/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_get_buffer_error */
BEHAVIOUR(an_error_of_get_buffer_is_fatal)
{
    struct recorder self = {.buffer = PIECE,
                            .buffer_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_say(peer, "x");
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, "mglD");
    ck_assert_int_eq(self.lost_code, ASYNCIO_ERR_FAILED);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message,
                     "Fatal error: protocol.get_buffer() call failed.");
}

/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_buffer_updated_error */
BEHAVIOUR(an_error_of_buffer_updated_is_fatal)
{
    struct recorder self = {.buffer = PIECE, .data_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_say(peer, "x");
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, "mgulD");
    ck_assert_int_eq(self.lost_code, ASYNCIO_ERR_FAILED);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message,
                     "Fatal error: protocol.buffer_updated() call failed.");
}

/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_read_ready */
BEHAVIOUR(a_buffered_protocol_gives_the_space_and_is_told_how_much_came)
{
    struct recorder self = {.buffer = 4};
    int peer = recorder_socket(&self);

    recorder_say(peer, "hello");
    recorder_passes();
    ck_assert_str_eq(self.calls, "mgugu");
    ck_assert_int_eq((int) self.hint, -1);
    ck_assert_str_eq(self.data, "hello");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportBufferedProtocolTests test_proto_type_switch */
BEHAVIOUR(another_kind_of_protocol_changes_how_it_reads_at_once)
{
    struct recorder plain = {.buffer = 0}, buffered = {.buffer = PIECE};
    int peer = recorder_socket(&plain);

    recorder_say(peer, "one");
    recorder_passes();
    recorder_init(&buffered);
    asyncio_transport_set_protocol(plain.transport, &buffered.protocol);
    ck_assert_ptr_eq(asyncio_transport_get_protocol(plain.transport),
                     &buffered.protocol);
    recorder_say(peer, "two");
    recorder_passes();
    ck_assert_str_eq(plain.data, "one");
    ck_assert_str_eq(buffered.data, "two");
    asyncio_transport_set_protocol(plain.transport, &plain.protocol);
    recorder_say(peer, "six");
    recorder_passes();
    ck_assert_str_eq(plain.data, "onesix");
    ck_assert_str_eq(plain.calls, "mdd");
    ck_assert_str_eq(buffered.calls, "gu");
    asyncio_future_unref(buffered.lost);
    recorder_close(&plain, peer);
}

static void
close_when_data_comes(struct recorder *self, char call)
{
    if (call == 'd' || call == 'g')
        asyncio_transport_close(self->transport);
}

BEHAVIOUR(a_protocol_may_close_its_transport_while_it_reads, .times = 2)
{
    struct recorder self = {EITHER, .called = close_when_data_comes};
    int peer = recorder_socket(&self);

    recorder_say(peer, "x");
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, _i == 0 ? "mdlD" : "mglD");
    ck_assert_int_eq(self.lost_code, 0);
}
