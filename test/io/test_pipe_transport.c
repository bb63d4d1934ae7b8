/* SPDX-License-Identifier: MIT */
/* Transports that read from pipes, and what is left of any when its loop is
 * closed. */
#include <asyncio.h>
#include <asyncio/testing.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "faults.h"
#include "recorder.h"

/* parity: test_unix_events.py UnixReadPipeTransportTests test_ctor */
/* parity: test_unix_events.py UnixReadPipeTransportTests test__read_ready */
BEHAVIOUR(a_pipe_is_read_from_connection_made_on)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);

    ck_assert_str_eq(self.calls, "m");
    ck_assert(asyncio_transport_is_reading(self.transport));
    ck_assert_int_ne(fcntl(recorder_fd(&self), F_GETFL) & O_NONBLOCK, 0);
    recorder_say(peer, "data");
    recorder_passes();
    ck_assert_str_eq(self.calls, "md");
    ck_assert_str_eq(self.data, "data");
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixReadPipeTransportTests test__read_ready_blocked */
BEHAVIOUR(a_read_of_a_pipe_that_would_block_is_tried_again, .times = 2)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);

    fault(READ, recorder_fd(&self), .error = _i == 0 ? EAGAIN : EINTR);
    recorder_say(peer, "data");
    recorder_passes();
    ck_assert_int_eq(faults[READ].seen, 2);
    ck_assert_str_eq(self.data, "data");
    ck_assert(!asyncio_transport_is_closing(self.transport));
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixReadPipeTransportTests test__read_ready_error */
/* parity: test_unix_events.py UnixReadPipeTransportTests test__call_connection_lost_with_err */
BEHAVIOUR(an_error_of_reading_a_pipe_is_reported_and_ends_it)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);
    int fd = recorder_fd(&self);
    struct reports reports;

    reports_begin(&reports);
    fault(READ, fd, .error = ENXIO);
    recorder_say(peer, "x");
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, UV_ENXIO);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_int_eq(reports.code, UV_ENXIO);
    ck_assert_str_eq(reports.message, "Fatal read error on pipe transport");
    ck_assert_ptr_eq(reports.transport, self.transport);
    ck_assert_ptr_eq(reports.protocol, &self.protocol);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_ptr_null(asyncio_transport_get_protocol(self.transport));
    recorder_end(&self, peer);
}

BEHAVIOUR(a_terminal_whose_other_side_is_closed_ends_without_a_report)
{
    struct recorder self = {.size = 0};
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct reports reports;

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master) + unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    reports_begin(&reports);
    recorder_init(&self);
    assert_r(asyncio_loop_connect_read_pipe(asyncio_get_running_loop(),
                                            recorder_give, master, NULL, NULL,
                                            .arg = &self),
             0);
    recorder_say(slave, "bye");
    recorder_passes();
    close(slave);
    recorder_end(&self, -1);
    ck_assert_str_eq(self.data, "bye");
    ck_assert_str_eq(self.calls, "mdlD");
    ck_assert_int_eq(self.lost_code, UV_EIO);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_unix_events.py UnixReadPipeTransportTests test_pause_reading */
/* parity: test_unix_events.py UnixReadPipeTransportTests test_resume_reading */
BEHAVIOUR(a_paused_pipe_delivers_nothing_until_it_is_resumed)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);

    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    ck_assert(!asyncio_transport_is_reading(self.transport));
    recorder_say(peer, "data");
    recorder_passes();
    ck_assert_str_eq(self.calls, "m");
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    ck_assert(asyncio_transport_is_reading(self.transport));
    ck_assert_str_eq(self.calls, "m");
    recorder_passes();
    ck_assert_str_eq(self.calls, "md");
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixReadPipeTransportTests test_resume_reading_on_paused_pipe */
BEHAVIOUR(resuming_a_pipe_that_was_not_paused_is_harmless)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);

    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    ck_assert(asyncio_transport_is_reading(self.transport));
    recorder_say(peer, "data");
    recorder_passes();
    ck_assert_str_eq(self.calls, "md");
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixReadPipeTransportTests test_pause_reading_on_closed_pipe */
BEHAVIOUR(pausing_and_resuming_a_closed_pipe_is_harmless)
{
    struct recorder self = {.size = 0};
    int peer = recorder_read_pipe(&self);

    asyncio_transport_close(self.transport);
    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    assert_r(asyncio_transport_resume_reading(self.transport), 0);
    ck_assert(!asyncio_transport_is_reading(self.transport));
    recorder_say(peer, "late");
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    assert_r(asyncio_transport_pause_reading(self.transport), 0);
    recorder_end(&self, peer);
}

/* parity: test_unix_events.py UnixReadPipeTransportTests test_close */
/* parity: test_unix_events.py UnixReadPipeTransportTests test_close_already_closing */
/* parity: test_unix_events.py UnixReadPipeTransportTests test__call_connection_lost */
BEHAVIOUR(closing_a_pipe_ends_it_once_and_in_the_next_pass)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_read_pipe(&self);
    int fd = recorder_fd(&self);

    asyncio_transport_close(self.transport);
    ck_assert(asyncio_transport_is_closing(self.transport));
    asyncio_transport_close(self.transport);
    ck_assert_str_eq(self.calls, "m");
    assert_r(asyncio_sleep(0), 0);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
    asyncio_transport_close(self.transport);
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_ptr_null(asyncio_transport_get_protocol(self.transport));
    recorder_end(&self, peer);
}

BEHAVIOUR(an_end_of_file_ends_a_pipe_whatever_the_protocol_says)
{
    struct recorder self = {.eof_result = 1};
    int peer = recorder_read_pipe(&self);

    recorder_say(peer, "last");
    close(peer);
    recorder_end(&self, -1);
    ck_assert_str_eq(self.calls, "mdelD");
    ck_assert_int_eq(self.lost_code, 0);
}

static asyncio_transport_t *watched;
static char seen_closing;

static void
see(struct recorder *self, char call)
{
    if (call == 'e')
        seen_closing = asyncio_transport_is_closing(self->transport) ? 'y' : 'n';
}

BEHAVIOUR(an_error_of_eof_received_of_a_pipe_is_only_reported)
{
    struct recorder self = {.eof_result = ASYNCIO_ERR_FAILED, .called = see};
    int peer = recorder_read_pipe(&self);
    struct reports reports;

    reports_begin(&reports);
    close(peer);
    recorder_end(&self, -1);
    ck_assert_int_eq(seen_closing, 'y');
    ck_assert_int_eq(self.lost_code, 0);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "Exception in callback");
}

BEHAVIOUR(an_error_of_data_received_leaves_a_pipe_open)
{
    struct recorder self = {.data_result = ASYNCIO_ERR_FAILED};
    int peer = recorder_read_pipe(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_say(peer, "one");
    recorder_passes();
    ck_assert_int_eq(reports.count, 1);
    ck_assert_str_eq(reports.message, "Exception in callback");
    recorder_say(peer, "two");
    recorder_passes();
    ck_assert_int_eq(reports.count, 2);
    ck_assert_str_eq(self.data, "onetwo");
    recorder_close(&self, peer);
}

/* What the loop finds open when it is closed. */
struct left {
    struct recorder *reader, *writer;
    int *peers;
};

static int
left(void *frame)
{
    struct left *self = frame;

    self->peers[0] = recorder_read_pipe(self->reader);
    self->peers[1] = recorder_write_pipe(self->writer);
    watched = self->reader->transport;
    self->reader->lost = asyncio_future_unref(self->reader->lost);
    self->writer->lost = asyncio_future_unref(self->writer->lost);
    return 0;
}

/* parity: test_events.py EventLoopTestsMixin test_unclosed_pipe_transport */
PLAIN(pipes_that_were_left_open_are_named_and_closed_with_the_loop)
{
    struct recorder reader = {.size = 0}, writer = {.size = 0};
    struct logged logged;
    int peers[2];
    char byte;

    logged_begin(&logged);
    assert_r(asyncio_testing_run(asyncio_coro(left, .reader = &reader,
                                              .writer = &writer,
                                              .peers = peers)),
             0);
    logged_end();
    ck_assert_int_eq(logged.warnings, 2);
    ck_assert_ptr_nonnull(strstr(logged.warning, "unclosed transport "));
    ck_assert_ptr_nonnull(strstr(logged.warning, "PipeTransport fd="));
    /* Nobody is called any more, as in CPython; but nothing stays. */
    ck_assert_str_eq(reader.calls, "mD");
    ck_assert_str_eq(writer.calls, "mD");
    ck_assert_int_eq(read(peers[1], &byte, 1), 0);
    ck_assert(asyncio_transport_is_closing(watched));
    asyncio_transport_unref(reader.transport);
    asyncio_transport_unref(writer.transport);
    close(peers[0]);
    close(peers[1]);
}
