/* SPDX-License-Identifier: MIT */
/*
 * Writing of socket transports: what goes out at once, what waits, in which
 * order it leaves, and what errors do to it.
 */
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

/* parity: test_selector_events.py SelectorSocketTransportTests test_write */
BEHAVIOUR(a_write_goes_out_at_once)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SEND, recorder_fd(&self), .times = -1);
    write_text(&self, "data");
    ck_assert_int_eq(faults[SEND].seen, 1);
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "data");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_tryagain */
/* parity: test_selector_events.py SelectorSocketTransportTests test_write_buffer */
/* parity: test_selector_events.py SelectorSocketTransportTests test_write_ready */
BEHAVIOUR(behind_what_waits_a_write_only_joins_the_queue)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SEND, recorder_fd(&self), .error = EAGAIN);
    write_text(&self, "data1");
    ck_assert_uint_eq(waits(&self), 5);
    write_text(&self, "data2");
    ck_assert_int_eq(faults[SEND].seen, 1);
    ck_assert_uint_eq(waits(&self), 10);
    assert_arrived(peer, "");
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "data1data2");
    /* and nobody looks for writability any more */
    recorder_passes();
    ck_assert_int_eq(faults[SEND].seen, 2);
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_partial */
BEHAVIOUR(what_a_partial_send_leaves_waits)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SEND, recorder_fd(&self), .limit = 2);
    write_text(&self, "data");
    ck_assert_uint_eq(waits(&self), 2);
    assert_arrived(peer, "da");
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "ta");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_partial_none */
BEHAVIOUR(a_send_of_nothing_leaves_everything_waiting)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SEND, recorder_fd(&self), .nothing = true);
    write_text(&self, "data");
    ck_assert_uint_eq(waits(&self), 4);
    recorder_passes();
    assert_arrived(peer, "data");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_exception */
BEHAVIOUR(lost_writes_are_counted_and_from_the_fifth_on_logged)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    struct reports reports;
    struct logged logged;

    reports_begin(&reports);
    logged_begin(&logged);
    fault(SEND, recorder_fd(&self), .error = EHOSTUNREACH);
    write_text(&self, "data");
    ck_assert(asyncio_transport_is_closing(self.transport));
    ck_assert_uint_eq(waits(&self), 0);
    for (int i = 0; i < 4; i++)
        write_text(&self, "data");
    ck_assert_int_eq(logged.warnings, 0);
    write_text(&self, "data");
    logged_end();
    ck_assert_int_eq(logged.warnings, 1);
    ck_assert_str_eq(logged.warning, "socket.send() raised exception.");
    ck_assert_int_eq(faults[SEND].seen, 1);
    ck_assert_str_eq(self.calls, "m");
    recorder_end(&self, peer);
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, UV_EHOSTUNREACH);
    ck_assert_int_eq(reports.count, 0);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_closing */
BEHAVIOUR(writes_after_a_close_are_lost_without_an_error)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    asyncio_transport_close(self.transport);
    write_text(&self, "data");
    ck_assert_uint_eq(waits(&self), 0);
    recorder_passes();
    assert_arrived(peer, "");
    recorder_end(&self, peer);
    ck_assert_int_eq(self.lost_code, 0);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_ready_closing */
/* parity: test_selector_events.py SelectorSocketTransportTests test_transport_close_remove_writer */
BEHAVIOUR(closing_sends_what_waits_and_then_ends)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    int fd = recorder_fd(&self);

    fault(SEND, fd, .error = EAGAIN);
    write_text(&self, "data");
    asyncio_transport_close(self.transport);
    write_text(&self, "more"); /* what waits is not the last yet */
    ck_assert_uint_eq(waits(&self), 8);
    ck_assert_str_eq(self.calls, "m");
    recorder_passes();
    ck_assert_str_eq(self.calls, "mlD");
    ck_assert_int_eq(self.lost_code, 0);
    assert_arrived(peer, "datamore");
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    recorder_end(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_ready_partial */
/* parity: test_selector_events.py SelectorSocketTransportTests test_write_ready_partial_none */
/* parity: test_selector_events.py SelectorSocketTransportTests test_write_ready_tryagain */
BEHAVIOUR(a_flush_keeps_what_the_system_does_not_take, .times = 3)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SEND, recorder_fd(&self), .error = EAGAIN);
    write_text(&self, "data");
    if (_i == 0)
        fault(SEND, recorder_fd(&self), .limit = 2);
    else if (_i == 1)
        fault(SEND, recorder_fd(&self), .nothing = true);
    else
        fault(SEND, recorder_fd(&self), .error = EAGAIN);
    while (faults[SEND].seen < 1)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_uint_eq(waits(&self), _i == 0 ? 2 : 4);
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "data");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_ready_exception */
BEHAVIOUR(an_error_of_a_flush_is_fatal)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    struct logged logged;

    asyncio_loop_set_debug(asyncio_get_running_loop(), true);
    fault(SEND, recorder_fd(&self), .error = EAGAIN);
    write_text(&self, "data");
    fault(SEND, recorder_fd(&self), .error = ENETDOWN);
    logged_begin(&logged);
    recorder_end(&self, peer);
    logged_end();
    ck_assert_int_eq(self.lost_code, UV_ENETDOWN);
    ck_assert_ptr_nonnull(
        strstr(logged.last, "Fatal write error on socket transport"));
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_sendmsg_no_data */
BEHAVIOUR(an_empty_write_does_nothing, .times = 2)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SEND, recorder_fd(&self), .error = EAGAIN);
    if (_i == 1)
        write_text(&self, "data");
    assert_r(asyncio_transport_write(self.transport, NULL, 0), 0);
    assert_r(asyncio_transport_writelines(self.transport, NULL, 0), 0);
    ck_assert_uint_eq(waits(&self), _i == 1 ? 4 : 0);
    ck_assert_int_eq(faults[SEND].seen, _i);
    recorder_passes();
    assert_arrived(peer, _i == 1 ? "data" : "");
    recorder_close(&self, peer);
}

static const asyncio_bytes_t lines[] = {{"data1", 5}, {"data2", 5}};

/* parity: test_selector_events.py SelectorSocketTransportTests test_writelines_sendmsg_full */
BEHAVIOUR(several_buffers_are_one_system_call)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SENDMSG, recorder_fd(&self), .times = -1);
    fault(SEND, recorder_fd(&self), .times = -1);
    assert_r(asyncio_transport_writelines(self.transport, lines, 2), 0);
    ck_assert_int_eq(faults[SENDMSG].seen, 1);
    ck_assert_int_eq(faults[SEND].seen, 0);
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, "data1data2");
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_writelines_sendmsg_partial */
BEHAVIOUR(what_is_left_of_several_buffers_waits, .times = 3)
{
    static const size_t taken[] = {3, 5, 7};
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    char text[16] = "data1data2";

    fault(SENDMSG, recorder_fd(&self), .limit = taken[_i]);
    assert_r(asyncio_transport_writelines(self.transport, lines, 2), 0);
    ck_assert_uint_eq(waits(&self), 10 - taken[_i]);
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_arrived(peer, text);
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_writelines_send_full */
/* parity: test_selector_events.py SelectorSocketTransportTests test_writelines_send_partial */
BEHAVIOUR(a_single_buffer_needs_no_vector, .times = 2)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    fault(SENDMSG, recorder_fd(&self), .times = -1);
    fault(SEND, recorder_fd(&self), .limit = _i == 0 ? 0 : 2);
    assert_r(asyncio_transport_writelines(self.transport, lines, 1), 0);
    ck_assert_int_eq(faults[SEND].seen, 1);
    ck_assert_int_eq(faults[SENDMSG].seen, 0);
    ck_assert_uint_eq(waits(&self), _i == 0 ? 0 : 3);
    recorder_passes();
    assert_arrived(peer, "data1");
    recorder_close(&self, peer);
}

static char long_one[6000], long_two[6000];

/* Two chunks wait. */
static void
queue_two(struct recorder *self)
{
    memset(long_one, 'a', sizeof long_one);
    memset(long_two, 'b', sizeof long_two);
    fault(SEND, recorder_fd(self), .error = EAGAIN);
    assert_r(asyncio_transport_write(self->transport, long_one,
                                     sizeof long_one),
             0);
    assert_r(asyncio_transport_write(self->transport, long_two,
                                     sizeof long_two),
             0);
    ck_assert_uint_eq(waits(self), 12000);
}

static void
assert_two_arrived(int peer)
{
    static char text[16000];

    ck_assert_int_eq(read(peer, text, sizeof text), 12000);
    ck_assert_mem_eq(text, long_one, 6000);
    ck_assert_mem_eq(text + 6000, long_two, 6000);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_sendmsg_full */
BEHAVIOUR(a_flush_of_several_chunks_is_one_system_call)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    queue_two(&self);
    fault(SENDMSG, recorder_fd(&self), .times = -1);
    recorder_passes();
    ck_assert_int_eq(faults[SENDMSG].seen, 1);
    ck_assert_uint_eq(waits(&self), 0);
    assert_two_arrived(peer);
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_sendmsg_partial */
/* parity: test_selector_events.py SelectorSocketTransportTests test_write_sendmsg_half_buffer */
BEHAVIOUR(a_flush_that_ends_inside_a_chunk_goes_on_there, .times = 3)
{
    static const size_t taken[] = {2, 6000, 7001};
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);

    queue_two(&self);
    fault(SENDMSG, recorder_fd(&self), .limit = taken[_i]);
    while (faults[SENDMSG].seen < 1)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_uint_eq(waits(&self), 12000 - taken[_i]);
    recorder_passes();
    ck_assert_uint_eq(waits(&self), 0);
    assert_two_arrived(peer);
    recorder_close(&self, peer);
}

/* parity: test_selector_events.py SelectorSocketTransportTests test_write_sendmsg_OSError */
BEHAVIOUR(an_error_of_a_flush_drops_what_waits)
{
    struct recorder self = {.size = 0};
    int peer = recorder_socket(&self);
    struct reports reports;

    reports_begin(&reports);
    queue_two(&self);
    fault(SENDMSG, recorder_fd(&self), .error = ENETDOWN);
    while (faults[SENDMSG].seen < 1)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_uint_eq(waits(&self), 0);
    recorder_end(&self, peer);
    ck_assert_int_eq(self.lost_code, UV_ENETDOWN);
    ck_assert_int_eq(reports.count, 0);
}
