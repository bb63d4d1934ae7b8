/* SPDX-License-Identifier: MIT */
/* fork() in a task: whatever the child does with what it inherited, the
 * parent's loop, its sockets and its files are as before. */
#include "behaviour.h"

#include <asyncio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define LOOP asyncio_get_running_loop()

static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    asyncio_bytes_t line;
    int r;

    (void) arg;
    while ((r = asyncio_stream_reader_next_line(reader, &line)) > 0) {
        r = asyncio_stream_writer_write(writer, line.data, line.size);
        if (r < 0)
            break;
    }
    asyncio_stream_writer_close(writer);
    return r;
}

/* Datagrams that came. */
struct peer {
    asyncio_datagram_protocol_t protocol; /* first */
    asyncio_transport_t *transport;
    int count;
};

static int
on_datagram(asyncio_datagram_protocol_t *self, const void *data, size_t size,
            const struct sockaddr *addr)
{
    (void) data;
    (void) size;
    (void) addr;
    ((struct peer *) self)->count++;
    return 0;
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

static int
count_call(void *arg)
{
    char byte;

    (void) !read(((int *) arg)[1], &byte, 1);
    ++*(int *) arg;
    return 0;
}

/* One of everything that polls. */
struct world {
    char path[64];
    asyncio_server_t *server;
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    struct peer peer;
    int watched[2]; /* calls, and the descriptor */
    int feed;
};

static void
make(struct world *w)
{
    int ends[2];

    memset(w, 0, sizeof *w);
    snprintf(w->path, sizeof w->path, "/tmp/asyncio-fork-%d", (int) getpid());
    assert_r(asyncio_start_unix_server(echo, w->path, &w->server), 0);
    assert_r(asyncio_open_unix_connection(w->path, &w->reader, &w->writer),
             0);
    w->peer.protocol.datagram_received = on_datagram;
    assert_r(asyncio_loop_create_datagram_endpoint(
                 LOOP, give, &w->peer.transport, NULL, .arg = &w->peer,
                 .local_addr = {"127.0.0.1", 0}),
             0);
    ck_assert_int_eq(pipe(ends), 0);
    w->watched[1] = ends[0];
    w->feed = ends[1];
    assert_r(asyncio_loop_add_reader(LOOP, ends[0], count_call, w->watched),
             0);
}

/* All of it still works. */
static void
check(struct world *w)
{
    const struct sockaddr_in *addr =
        asyncio_transport_get_extra_info(w->peer.transport, "sockname");
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    char line[16];
    int calls = w->watched[0], count = w->peer.count;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    assert_r(asyncio_stream_writer_write(w->writer, "old\n", 4), 0);
    ck_assert_int_eq(asyncio_stream_reader_readline(w->reader, line, 16), 4);
    assert_r(asyncio_open_unix_connection(w->path, &reader, &writer), 0);
    assert_r(asyncio_stream_writer_write(writer, "new\n", 4), 0);
    ck_assert_int_eq(asyncio_stream_reader_readline(reader, line, 16), 4);
    asyncio_stream_writer_close(writer);
    assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    ck_assert_int_eq(sendto(sock, "x", 1, 0, (const struct sockaddr *) addr,
                            sizeof *addr),
                     1);
    close(sock);
    ck_assert_int_eq(write(w->feed, "x", 1), 1);
    while (w->watched[0] == calls || w->peer.count == count)
        assert_r(asyncio_sleep(0.001), 0);
    assert_r(asyncio_sleep(0.01), 0);
}

static void
unmake(struct world *w)
{
    asyncio_transport_close(w->peer.transport);
    asyncio_loop_remove_reader(LOOP, w->watched[1]);
    close(w->watched[1]);
    close(w->feed);
    asyncio_stream_writer_close(w->writer);
    assert_r(asyncio_stream_writer_wait_closed(w->writer), 0);
    asyncio_stream_writer_unref(w->writer);
    asyncio_stream_reader_unref(w->reader);
    asyncio_server_close(w->server);
    assert_r(asyncio_server_wait_closed(w->server), 0);
    asyncio_server_unref(w->server);
}

/* Run `child` in one, and see what is left of the parent's world. */
static void
fork_and(int (*child)(struct world *w))
{
    struct world w;
    int status;
    pid_t pid;

    make(&w);
    check(&w);
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        _exit(child(&w));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    check(&w);
    check(&w);
    unmake(&w);
}

static int
nothing(struct world *w)
{
    (void) w;
    return 7;
}

BEHAVIOUR(a_child_that_only_ends)
{
    fork_and(nothing);
}

static int
executes(struct world *w)
{
    (void) w;
    execl("/bin/sh", "sh", "-c", "exit 7", (char *) NULL);
    return 1;
}

BEHAVIOUR(a_child_that_becomes_another_program)
{
    fork_and(executes);
}

/* Whatever can be called of transports, servers and watches. */
static int
closes_everything(struct world *w)
{
    asyncio_transport_t *transport = asyncio_stream_writer_transport(w->writer);

    if (asyncio_get_running_loop() != NULL)
        return 1;
    asyncio_transport_pause_reading(transport);
    asyncio_transport_resume_reading(transport);
    asyncio_stream_writer_close(w->writer);
    asyncio_transport_abort(transport);
    asyncio_stream_writer_unref(w->writer);
    asyncio_stream_reader_unref(w->reader);
    asyncio_transport_pause_reading(w->peer.transport);
    asyncio_transport_resume_reading(w->peer.transport);
    asyncio_transport_close(w->peer.transport);
    asyncio_transport_abort(w->peer.transport);
    asyncio_server_close_clients(w->server);
    asyncio_server_abort_clients(w->server);
    asyncio_server_close(w->server);
    asyncio_server_unref(w->server);
    asyncio_loop_t *loop = asyncio_transport_get_loop(transport);
    asyncio_loop_remove_reader(loop, w->watched[1]);
    if (asyncio_loop_add_writer(loop, w->feed, count_call, w->watched)
        != ASYNCIO_ERR_FORKED)
        return 2;
    if (asyncio_loop_close(loop) != ASYNCIO_ERR_FORKED)
        return 3;
    return 7;
}

BEHAVIOUR(a_child_that_closes_all_it_inherited)
{
    fork_and(closes_everything);
}

static int
sleeps(struct world *w)
{
    (void) w;
    return asyncio_sleep(0) < 0 ? 7 : 1;
}

BEHAVIOUR(a_child_that_awaits_gets_an_error)
{
    fork_and(sleeps);
}

static int
main_of_child(void *frame)
{
    struct world w;

    (void) frame;
    make(&w);
    check(&w);
    unmake(&w);
    return 7;
}

static int
runs_its_own(struct world *w)
{
    (void) w;
    return asyncio_run(asyncio_coro(main_of_child));
}

/* parity: test_unix_events.py TestFork test_fork_not_share_event_loop */
BEHAVIOUR(a_child_that_runs_a_loop_of_its_own)
{
    fork_and(runs_its_own);
}

static int
exits(struct world *w)
{
    (void) w;
    exit(7);
}

BEHAVIOUR(a_child_that_runs_the_handlers_of_exit)
{
    fork_and(exits);
}

static int
writes(struct world *w)
{
    /* No newline: the parent's server goes on when one comes. */
    return asyncio_stream_writer_write(w->writer, "x", 1) == 0 ? 7 : 1;
}

BEHAVIOUR(a_child_that_writes)
{
    struct world w;
    int status;
    char line[16];
    pid_t pid;

    make(&w);
    pid = fork();
    if (pid == 0)
        _exit(writes(&w));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    assert_r(asyncio_stream_writer_write(w.writer, "\n", 1), 0);
    ck_assert_int_eq(asyncio_stream_reader_readline(w.reader, line, 16), 2);
    ck_assert_str_eq(line, "x\n");
    check(&w);
    unmake(&w);
}
