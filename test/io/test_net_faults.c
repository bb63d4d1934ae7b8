/* SPDX-License-Identifier: MIT */
/* What goes wrong with networks, on real sockets: out of descriptors, peers
 * that never read or never stop, closes at the worst moments. */
#include "scenes.h"

#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if AIO__HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static asyncio_loop_t *
here(void)
{
    return asyncio_get_running_loop();
}

static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    asyncio_bytes_t view;
    int r;

    (void) arg;
    while ((r = asyncio_stream_reader_read_view(reader, 65536, &view)) >= 0
           && view.size > 0)
        assert_r(asyncio_stream_writer_write(writer, view.data, view.size), 0);
    asyncio_stream_writer_close(writer);
    return 0;
}

static asyncio_server_t *
serve(void)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(echo, "127.0.0.1", 0, &server), 0);
    return server;
}

static void
end(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

/* A plain socket of a client, connected at once: the kernel does that. */
static int
client_of(asyncio_server_t *server)
{
    struct sockaddr_in there = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) asyncio_server_port(server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *) &there, sizeof there), 0);
    ck_assert_int_eq(send(fd, "ping", 4, MSG_NOSIGNAL), 4);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Reader and writer on one end of a pair; the other end is a plain socket. */
struct stream {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    int peer;
};

static struct stream
stream(size_t limit)
{
    struct stream s;
    int ends[2];

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_open_connection(NULL, ASYNCIO_NO_PORT, &s.reader,
                                     &s.writer, .sock = &ends[0],
                                     .limit = limit),
             0);
    s.peer = ends[1];
    return s;
}

static void
drop(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    (void) !asyncio_stream_writer_wait_closed(s.writer);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    if (s.peer >= 0)
        close(s.peer);
}

/* From now on only so many descriptors can be opened; the former limit. */
static struct rlimit
leave_descriptors(int n)
{
    struct rlimit before, limit;
    int free_one = dup(STDERR_FILENO);

    close(free_one);
    getrlimit(RLIMIT_NOFILE, &before);
    limit = before;
    limit.rlim_cur = (rlim_t) (free_one + n);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* Two are served, eight wait: nobody is dropped, the server does not spin, and
 * it goes on by itself. Valgrind has a limit of its own: it closes what the
 * kernel has accepted, so under it clients are lost. */
BEHAVIOUR(a_server_without_descriptors_tells_pauses_and_goes_on)
{
    enum { CLIENTS = 10 };
    asyncio_server_t *server = serve();
    int clients[CLIENTS];
    char back[4];

    if (RUNNING_ON_VALGRIND) {
        end(server);
        return;
    }
    catch_reports();
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_of(server);
    struct rlimit before = leave_descriptors(2);
    assert_r(asyncio_sleep(0.5), 0);
    ck_assert_int_eq(reports.count, 1);
    ck_assert_int_eq(reports.code, UV_EMFILE);
    ck_assert_str_eq(reports.message, "socket.accept() out of system resource");
    for (int i = 0; i < 2; i++)
        assert_r(asyncio_loop_sock_recv(here(), clients[i], back, 4), 4);
    assert_r(asyncio_sleep(5), 0);
    ck_assert_int_eq(reports.count, 6); /* once a second */
    setrlimit(RLIMIT_NOFILE, &before);
    for (int i = 2; i < CLIENTS; i++) {
        assert_r(asyncio_loop_sock_recv(here(), clients[i], back, 4), 4);
        ck_assert_mem_eq(back, "ping", 4);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    end(server);
}

BEHAVIOUR(a_server_that_pauses_without_descriptors_can_be_closed)
{
    asyncio_server_t *server = serve();
    int client = client_of(server);
    char back[4];

    catch_reports();
    struct rlimit before = leave_descriptors(0);
    assert_r(asyncio_sleep(0.5), 0);
    ck_assert_int_eq(reports.code, UV_EMFILE);
    end(server);
    assert_r(asyncio_sleep(3), 0);
    ck_assert_int_eq(reports.count, 1);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_le(recv(client, back, 4, 0), 0);
    close(client);
}

/* An RST before the server looks at its backlog. */
BEHAVIOUR(clients_that_go_before_they_are_accepted_disturb_nobody)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    asyncio_server_t *server = serve();
    char back[4];

    catch_reports();
    for (int i = 0; i < 5; i++) {
        int fd = client_of(server);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(fd);
    }
    int client = client_of(server);
    assert_r(asyncio_loop_sock_recv(here(), client, back, 4), 4);
    ck_assert_int_eq(reports.count, 0);
    close(client);
    end(server);
}

/* As much as the socket takes, again and again: until it takes no more. */
static size_t
flood(int fd, const char *data, size_t size)
{
    size_t total = 0;
    int idle = 0;

    while (idle < 20) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        idle = n > 0 ? 0 : idle + 1;
        total += n > 0 ? (size_t) n : 0;
        assert_r(asyncio_sleep(0.001), 0);
        ck_assert_uint_lt(total, 64 << 20);
    }
    return total;
}

/* Twice the limit is buffered, and what came in one piece with it. */
BEHAVIOUR(a_line_without_end_takes_bounded_memory)
{
    enum { LIMIT = 1 << 16, CHUNK = 1 << 18 };
    static char endless[4096];
    struct stream s = stream(LIMIT);
    asyncio_bytes_t view;
    char line[64];

    memset(endless, 'x', sizeof endless);
    int64_t before = asyncio_testing_counters().bytes;
    flood(s.peer, endless, sizeof endless);
    int64_t held = asyncio_testing_counters().bytes - before;
    ck_assert_int_gt(held, 0);
    /* A buffer grows by doubling. */
    ck_assert_int_le(held, 2 * (2 * LIMIT + CHUNK));
    ck_assert(!asyncio_transport_is_reading(
        asyncio_stream_writer_transport(s.writer)));
    assert_r(asyncio_stream_reader_readuntil_view(s.reader, "\n", &view),
             ASYNCIO_ERR_LIMIT_OVERRUN);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line),
        ASYNCIO_ERR_VALUE);
    drop(s);
}

/* drain() is what holds a writer back. */
BEHAVIOUR(a_peer_that_never_reads_takes_bounded_memory)
{
    static const char data[50000];
    struct stream s = stream(0);
    asyncio_transport_t *transport = asyncio_stream_writer_transport(s.writer);
    asyncio_timeout_t timeout;
    int64_t before = asyncio_testing_counters().bytes;
    size_t high, n = 0;
    int r = 0;

    asyncio_transport_get_write_buffer_limits(transport, NULL, &high);
    asyncio_timeout_enter(asyncio_timeout(&timeout, 60));
    while (r >= 0) {
        assert_r(asyncio_stream_writer_write(s.writer, data, sizeof data), 0);
        ck_assert_int_lt(++n, 1000);
        r = asyncio_stream_writer_drain(s.writer);
    }
    assert_r(asyncio_timeout_exit(&timeout, r), ASYNCIO_ERR_TIMEOUT);
    ck_assert_uint_gt(asyncio_transport_get_write_buffer_size(transport), high);
    ck_assert_uint_le(asyncio_transport_get_write_buffer_size(transport),
                      high + sizeof data);
    ck_assert_int_le(asyncio_testing_counters().bytes - before,
                     (int64_t) (high + 2 * sizeof data));
    asyncio_transport_abort(transport);
    drop(s);
}

struct reading {
    asyncio_stream_reader_t *reader;
};

static int
reading(void *frame)
{
    struct reading *self = frame;
    char byte;

    return (int) asyncio_stream_reader_read(self->reader, &byte, 1);
}

struct draining {
    asyncio_stream_writer_t *writer;
};

static int
draining(void *frame)
{
    return asyncio_stream_writer_drain(((struct draining *) frame)->writer);
}

/* _i: by a close, by an abort. */
BEHAVIOUR(a_task_that_reads_meets_the_end_when_another_one_closes, .times = 2)
{
    struct stream s = stream(0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(reading, .reader = s.reader));

    assert_r(asyncio_sleep(0.01), 0);
    ck_assert(!asyncio_task_done(task));
    if (_i == 0)
        asyncio_stream_writer_close(s.writer);
    else
        asyncio_transport_abort(asyncio_stream_writer_transport(s.writer));
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    drop(s);
}

BEHAVIOUR(a_task_that_drains_is_released_when_another_one_aborts)
{
    static const char data[1 << 20];
    struct stream s = stream(0);

    assert_r(asyncio_stream_writer_write(s.writer, data, sizeof data), 0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(draining, .writer = s.writer));
    assert_r(asyncio_sleep(0.01), 0);
    ck_assert(!asyncio_task_done(task));
    asyncio_transport_abort(asyncio_stream_writer_transport(s.writer));
    /* As in asyncio: there is nothing to wait for any more, the next one is
     * told. */
    assert_r(asyncio_await(task), 0);
    assert_r(asyncio_stream_writer_drain(s.writer), UV_ECONNRESET);
    asyncio_future_unref(task);
    drop(s);
}

/* Closes and aborts in any order and number, before and after the end. */
BEHAVIOUR(closing_again_and_again_is_harmless)
{
    asyncio_server_t *server = serve();
    struct stream s = stream(0);
    asyncio_transport_t *transport =
        asyncio_transport_ref(asyncio_stream_writer_transport(s.writer));

    for (int i = 0; i < 2; i++) {
        asyncio_stream_writer_close(s.writer);
        asyncio_transport_close(transport);
        asyncio_transport_abort(transport);
        asyncio_transport_abort(transport);
        asyncio_server_close(server);
        asyncio_server_close_clients(server);
        asyncio_server_abort_clients(server);
        assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
        assert_r(asyncio_server_wait_closed(server), 0);
    }
    asyncio_transport_unref(transport);
    asyncio_server_unref(server);
    drop(s);
}

/* A descriptor's number is free again when its connection has been lost: the
 * next one gets it, and each gets its own bytes only. */
BEHAVIOUR(a_number_that_is_used_again_belongs_to_the_new_connection)
{
    struct stream old = stream(0);
    int number = *(const int *) asyncio_stream_writer_get_extra_info(
        old.writer, "socket");
    char text[8];

    ck_assert_int_eq(send(old.peer, "old", 3, MSG_NOSIGNAL), 3);
    asyncio_stream_writer_close(old.writer);
    assert_r(asyncio_stream_writer_wait_closed(old.writer), 0);
    struct stream s = stream(0);
    ck_assert_int_eq(*(const int *) asyncio_stream_writer_get_extra_info(
                         s.writer, "socket"),
                     number);
    asyncio_stream_writer_close(old.writer);
    assert_r(asyncio_stream_writer_write(old.writer, "lost", 4), 0);
    ck_assert_int_eq(send(s.peer, "new", 3, MSG_NOSIGNAL), 3);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, text, sizeof text),
                     3);
    ck_assert_mem_eq(text, "new", 3);
    assert_r(asyncio_stream_writer_write(s.writer, "back", 4), 0);
    ck_assert_int_eq(recv(s.peer, text, sizeof text, MSG_DONTWAIT), 4);
    ck_assert_int_le(recv(old.peer, text, sizeof text, MSG_DONTWAIT), 0);
    drop(old);
    drop(s);
}

/* The whole request, then the end of our side; the answer comes afterwards. */
BEHAVIOUR(after_write_eof_reading_goes_on_over_tcp)
{
    asyncio_server_t *server = serve();
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    asyncio_bytes_t all;

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &reader, &writer),
             0);
    assert_r(asyncio_stream_writer_write(writer, "question", 8), 0);
    assert_r(asyncio_stream_writer_write_eof(writer), 0);
    assert_r(asyncio_stream_writer_write(writer, "more", 4),
             ASYNCIO_ERR_RUNTIME);
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &all),
             0);
    ck_assert_uint_eq(all.size, 8);
    ck_assert_mem_eq(all.data, "question", 8);
    asyncio_stream_writer_close(writer);
    assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    end(server);
}
