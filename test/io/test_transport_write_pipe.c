/* SPDX-License-Identifier: MIT */
/* Transports that write to pipes: what goes out, what waits, and what the
 * end of the reader does. */
#include <asyncio.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "faults.h"
#include "recorder.h"

static size_t
waits(struct recorder *self)
{
    return asyncio_transport_get_write_buffer_size(self->transport);
}

static void
write_text(struct recorder *self, const char *text)
{
    assert_r(asyncio_transport_write(self->transport, text, strlen(text)), 0);
}

static void
assert_arrived(int peer, const char *expected)
{
    char text[64] = "";

    (void) !read(peer, text, sizeof text - 1);
    ck_assert_str_eq(text, expected);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_ctor */
/* parity: test_unix_events.py UnixWritePipeTransportTests test__read_ready */
BEHAVIOUR(the_end_of_the_reader_ends_a_write_pipe)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_write_pipe(&self);

    ck_assert_str_eq(self.calls, "m");
    ck_assert(!asyncio_transport_is_closing(self.transport));
    close(peer);
    recorder_passes();
    ck_assert(asyncio_transport_is_closing(self.transport));
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
    recorder_end(&self, -1);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test__read_ready */
BEHAVIOUR(it_is_a_broken_pipe_when_something_waits)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);
    struct reports reports;

    reports_begin(&reports);
    recorder_fill(&self, 5000);
    close(peer);
    recorder_end(&self, -1);
    ck_assert_int_eq(self.lost_code, UV_EPIPE);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_can_write_eof */
BEHAVIOUR(a_write_pipe_can_write_an_end_of_file)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    ck_assert(asyncio_transport_can_write_eof(self.transport));
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write */
BEHAVIOUR(a_write_to_a_pipe_goes_out_at_once)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    fault(WRITEV, recorder_fd(&self), .times = -1);
    write_text(&self, "data");
    ck_assert_uint_eq(waits(&self), 0);
    ck_assert_int_eq(faults[WRITEV].seen, 1);
    assert_arrived(peer, "data");
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_no_data */
BEHAVIOUR(an_empty_write_to_a_pipe_does_nothing)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    fault(WRITEV, recorder_fd(&self), .times = -1);
    assert_r(asyncio_transport_write(self.transport, "", 0), 0);
    ck_assert_uint_eq(waits(&self), 0);
    ck_assert_int_eq(faults[WRITEV].seen, 0);
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_partial */
/* parity: test_unix_events.py UnixWritePipeTransportTests test__write_ready */
BEHAVIOUR(what_a_pipe_does_not_take_waits)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    fault(WRITEV, recorder_fd(&self), .limit = 2);
    write_text(&self, "data");
    ck_assert_uint_eq(waits(&self), 2);
    assert_arrived(peer, "da");
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "ta");
    /* and nobody looks for writability any more */
    recorder_passes();
    ck_assert_int_eq(faults[WRITEV].seen, 2);
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_again */
/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_buffer */
BEHAVIOUR(behind_what_waits_a_write_to_a_pipe_joins_the_queue)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    fault(WRITEV, recorder_fd(&self), .error = EAGAIN);
    write_text(&self, "data1");
    ck_assert_uint_eq(waits(&self), 5);
    write_text(&self, "data2");
    ck_assert_uint_eq(waits(&self), 10);
    ck_assert_int_eq(faults[WRITEV].seen, 1);
    assert_arrived(peer, "");
    recorder_passes();
    assert_arrived(peer, "data1data2");
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_err */
/* parity: test_unix_events.py UnixWritePipeTransportTests test__call_connection_lost_with_err */
BEHAVIOUR(lost_writes_to_a_pipe_are_logged_from_the_fifth_on)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);
    int fd = recorder_fd(&self);
    struct reports reports;
    struct logged logged;

    reports_begin(&reports);
    logged_begin(&logged);
    fault(WRITEV, fd, .error = ENOSPC);
    write_text(&self, "data");
    ck_assert(asyncio_transport_is_closing(self.transport));
    for (int i = 0; i < 4; i++)
        write_text(&self, "data");
    ck_assert_int_eq(logged.warnings, 0);
    write_text(&self, "data");
    logged_end();
    ck_assert_int_eq(logged.warnings, 1);
    ck_assert_str_eq(logged.warning,
                     "pipe closed by peer or os.write(pipe, data) raised "
                     "exception.");
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, UV_ENOSPC);
    ck_assert_int_eq(reports.count, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    recorder_end(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_close */
BEHAVIOUR(nothing_is_written_to_a_pipe_whose_reader_ended)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    fault(WRITEV, recorder_fd(&self), .times = -1);
    close(peer);
    while (!asyncio_transport_is_closing(self.transport))
        assert_r(asyncio_sleep(0), 0);
    write_text(&self, "data");
    ck_assert_int_eq(faults[WRITEV].seen, 0);
    ck_assert_uint_eq(waits(&self), 0);
    recorder_end(&self, -1);
    ck_assert_int_eq(self.lost_code, 0);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test__write_ready_partial */
/* parity: test_unix_events.py UnixWritePipeTransportTests test__write_ready_again */
/* parity: test_unix_events.py UnixWritePipeTransportTests test__write_ready_empty */
BEHAVIOUR(a_flush_of_a_pipe_keeps_what_is_not_taken, .times = 3)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    fault(WRITEV, recorder_fd(&self), .error = EAGAIN);
    write_text(&self, "data");
    if (_i == 0)
        fault(WRITEV, recorder_fd(&self), .limit = 3);
    else if (_i == 1)
        fault(WRITEV, recorder_fd(&self), .error = EAGAIN);
    else
        fault(WRITEV, recorder_fd(&self), .nothing = true);
    while (faults[WRITEV].seen < 1)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_uint_eq(waits(&self), _i == 0 ? 1 : 4);
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "data");
    recorder_close(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test__write_ready_err */
BEHAVIOUR(an_error_of_a_flush_of_a_pipe_is_told_to_the_protocol_alone)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);
    struct reports reports;

    reports_begin(&reports);
    fault(WRITEV, recorder_fd(&self), .error = EAGAIN);
    write_text(&self, "data");
    fault(WRITEV, recorder_fd(&self), .error = ENOSPC);
    while (faults[WRITEV].seen < 1)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_uint_eq(waits(&self), 0);
    ck_assert(asyncio_transport_is_closing(self.transport));
    recorder_end(&self, peer);
    ck_assert_int_eq(self.lost_code, UV_ENOSPC);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test__write_ready_closing */
/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_eof_pending */
BEHAVIOUR(an_end_of_file_waits_for_the_flush_and_takes_no_more, .times = 2)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_write_pipe(&self);
    int fd = recorder_fd(&self);

    fault(WRITEV, fd, .error = EAGAIN);
    write_text(&self, "data");
    if (_i == 0)
        assert_r(asyncio_transport_write_eof(self.transport), 0);
    else
        asyncio_transport_close(self.transport);
    ck_assert(asyncio_transport_is_closing(self.transport));
    ck_assert_uint_eq(waits(&self), 4);
    write_text(&self, "too late");
    ck_assert_uint_eq(waits(&self), 4);
    ck_assert_str_eq(self.calls, "m");
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    assert_arrived(peer, "data");
    recorder_end(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_abort */
BEHAVIOUR(aborting_a_write_pipe_drops_what_waits)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_write_pipe(&self);

    recorder_fill(&self, 5000);
    asyncio_transport_abort(self.transport);
    ck_assert_uint_eq(waits(&self), 0);
    ck_assert(asyncio_transport_is_closing(self.transport));
    ck_assert_str_eq(self.calls, "m");
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_close_closing */
/* parity: test_unix_events.py UnixWritePipeTransportTests test__call_connection_lost */
BEHAVIOUR(closing_a_write_pipe_twice_ends_it_once)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_write_pipe(&self);
    int fd = recorder_fd(&self);
    char byte;

    asyncio_transport_close(self.transport);
    asyncio_transport_close(self.transport);
    assert_r(asyncio_transport_write_eof(self.transport), 0);
    ck_assert_str_eq(self.calls, "m");
    assert_r(asyncio_sleep(0), 0);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_ptr_null(asyncio_transport_get_protocol(self.transport));
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    recorder_end(&self, peer);
}

/* parity: test_unix_events.py UnixWritePipeTransportTests test_write_eof */
BEHAVIOUR(an_end_of_file_with_nothing_waiting_closes_a_write_pipe)
{
    struct recorder self = {.lost_code = -1};
    int peer = recorder_write_pipe(&self);

    assert_r(asyncio_transport_write_eof(self.transport), 0);
    ck_assert(asyncio_transport_is_closing(self.transport));
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
}

BEHAVIOUR(a_write_pipe_pauses_above_high_and_resumes_at_low)
{
    struct recorder self = {.size = 0};
    int peer = recorder_write_pipe(&self);

    assert_r(asyncio_transport_set_write_buffer_limits(self.transport, 5000,
                                                       1000),
             0);
    recorder_fill(&self, 5000);
    ck_assert_str_eq(self.calls, "m");
    write_text(&self, "x");
    ck_assert_str_eq(self.calls, "mp");
    while (waits(&self) > 0) {
        recorder_swallow(peer);
        recorder_passes();
    }
    ck_assert_str_eq(self.calls, "mpr");
    recorder_close(&self, peer);
}
