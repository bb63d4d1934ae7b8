/* SPDX-License-Identifier: MIT */
/* Servers: their ends, and accepting when something is in the way. */
#include "net.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* The system's, but for the first calls after a test has said so. */
static int accept_errors; /* calls that fail from now on */
static int accept_error;  /* with this */
static int accept_calls;

int
accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags)
{
    accept_calls++;
    if (accept_errors > 0) {
        accept_errors--;
        errno = accept_error;
        return -1;
    }
    return (int) syscall(SYS_accept4, fd, addr, size, flags);
}

static struct peers clients;

static asyncio_server_t *
make_server(int backlog)
{
    asyncio_server_t *server;

    assert_r(asyncio_loop_create_server(LOOP, peers_make, "127.0.0.1", 0,
                                        &server, .arg = &clients,
                                        .backlog = backlog),
             0);
    return server;
}

static int
client_of(asyncio_server_t *server)
{
    int n = clients.count, fd = dial("127.0.0.1", asyncio_server_port(server));

    WAIT_FOR(clients.count > n && clients.list[n].transport != NULL);
    return fd;
}

static void
end_server(asyncio_server_t *server)
{
    asyncio_server_close(server);
    peers_end(&clients);
    asyncio_server_unref(server);
}

struct closed {
    asyncio_server_t *server;
};

static int
closed(void *frame)
{
    return asyncio_server_wait_closed(((struct closed *) frame)->server);
}

static asyncio_task_t *
wait_closed(asyncio_server_t *server)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(closed, .server = server));

    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_sleep(0), 0);
    return task;
}

static void
is_done(asyncio_task_t *task)
{
    assert_r(asyncio_await(task), 0);
    asyncio_task_unref(task);
}

/* parity: test_events.py TestServer test_get_loop */
BEHAVIOUR(a_server_knows_its_loop)
{
    asyncio_server_t *server = make_server(0);

    ck_assert_ptr_eq(asyncio_server_get_loop(server), LOOP);
    asyncio_server_close(server);
    ck_assert_ptr_eq(asyncio_server_get_loop(server), LOOP);
    end_server(server);
}

/* parity: test_events.py EventLoopTestsMixin test_server_close */
BEHAVIOUR(a_closed_server_refuses_connections)
{
    asyncio_server_t *server = make_server(0);
    int port = asyncio_server_port(server), fd = client_of(server);
    struct peer peer = {.size = 0};
    size_t count;

    asyncio_server_close(server);
    ck_assert(!asyncio_server_is_serving(server));
    (void) asyncio_server_sockets(server, &count);
    ck_assert_uint_eq(count, 0);
    assert_r(asyncio_loop_create_connection(LOOP, peer_make, "127.0.0.1", port,
                                            NULL, NULL, .arg = &peer),
             UV_ECONNREFUSED);
    /* Who was there stays. */
    ck_assert_int_eq(write(fd, "x", 1), 1);
    WAIT_FOR(clients.list[0].size == 1);
    close(fd);
    end_server(server);
}

/* parity: test_server.py TestServer2 test_wait_closed_basic */
BEHAVIOUR(waiting_for_the_end_lasts_until_closed_and_without_clients)
{
    asyncio_server_t *server = make_server(0);
    int fd = client_of(server);
    asyncio_task_t *early = wait_closed(server), *late;

    ck_assert(!asyncio_future_done(early));
    asyncio_server_close(server);
    late = wait_closed(server);
    ck_assert(!asyncio_future_done(early));
    ck_assert(!asyncio_future_done(late));
    asyncio_transport_close(clients.list[0].transport);
    is_done(early);
    is_done(late);
    ck_assert(clients.list[0].lost);
    assert_r(asyncio_server_wait_closed(server), 0);
    close(fd);
    end_server(server);
}

/* parity: test_server.py TestServer2 test_wait_closed_race */
BEHAVIOUR(the_server_and_its_last_client_may_close_together)
{
    asyncio_server_t *server = make_server(0);
    int fd = client_of(server);
    asyncio_task_t *task = wait_closed(server);

    asyncio_server_close(server);
    asyncio_transport_close(clients.list[0].transport);
    is_done(task);
    ck_assert(!asyncio_server_is_serving(server));
    close(fd);
    end_server(server);
}

static char big[4 * 1024 * 1024];

/* parity: test_server.py TestServer2 test_close_clients */
BEHAVIOUR(closing_the_clients_ends_the_waiting)
{
    asyncio_server_t *server = make_server(0);
    int one = client_of(server), other = client_of(server);
    asyncio_task_t *task = wait_closed(server);
    char byte;

    assert_r(asyncio_transport_write(clients.list[0].transport, "x", 1), 0);
    asyncio_server_close(server);
    asyncio_server_close_clients(server);
    asyncio_server_close_clients(server);
    is_done(task);
    ck_assert(clients.list[0].lost && clients.list[1].lost);
    /* What was written before has gone out. */
    ck_assert_int_eq(read(one, &byte, 1), 1);
    ck_assert_int_eq(read(one, &byte, 1), 0);
    close(one);
    close(other);
    end_server(server);
}

/* parity: test_server.py TestServer2 test_abort_clients */
BEHAVIOUR(aborting_the_clients_drops_what_they_have_not_sent)
{
    asyncio_server_t *server = make_server(0);
    int fd = client_of(server);
    asyncio_transport_t *transport = clients.list[0].transport;
    asyncio_task_t *task;

    assert_r(asyncio_transport_write(transport, big, sizeof big), 0);
    ck_assert_uint_gt(asyncio_transport_get_write_buffer_size(transport), 0);
    asyncio_server_close(server);
    asyncio_server_close_clients(server);
    task = wait_closed(server);
    ck_assert(!asyncio_future_done(task)); /* the bytes still wait */
    asyncio_server_abort_clients(server);
    ck_assert_uint_eq(asyncio_transport_get_write_buffer_size(transport), 0);
    is_done(task);
    close(fd);
    end_server(server);
}

/* parity: test_selector_events.py BaseSelectorEventLoopTests test_accept_connection_multiple */
BEHAVIOUR(a_whole_backlog_is_accepted_at_once)
{
    asyncio_server_t *server = make_server(5);
    int fds[5];

    for (int i = 0; i < 5; i++)
        fds[i] = dial("127.0.0.1", asyncio_server_port(server));
    while (clients.count == 0)
        assert_r(asyncio_sleep(0.001), 0);
    ck_assert_int_eq(clients.count, 5); /* in the same callback */
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    assert_r(asyncio_sleep(0), 0);
    end_server(server);
}

static int reports, reported_code, reported_socket;
static char reported[80];

static int
on_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
          void *arg)
{
    (void) loop;
    (void) arg;
    reports++;
    reported_code = context->code;
    reported_socket = context->socket;
    snprintf(reported, sizeof reported, "%s", context->message);
    return 0;
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_accept_connection_retry */
BEHAVIOUR(a_client_that_is_gone_again_is_no_error, .times = 3)
{
    static const int errors[] = {EAGAIN, EINTR, ECONNABORTED};
    asyncio_server_t *server = make_server(0);
    int fd;

    asyncio_loop_set_exception_handler(LOOP, on_report, NULL);
    accept_error = errors[_i];
    accept_errors = 1;
    accept_calls = 0;
    fd = client_of(server);
    ck_assert_int_ge(accept_calls, 2);
    ck_assert_int_eq(reports, 0);
    ck_assert(asyncio_server_is_serving(server));
    close(fd);
    end_server(server);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_accept_connection_exception */
BEHAVIOUR(out_of_descriptors_a_server_says_so_rests_and_goes_on)
{
    asyncio_server_t *server = make_server(0);
    int fds[3], listener;
    size_t count;
    double start;

    listener = asyncio_server_sockets(server, &count)[0];
    asyncio_loop_set_exception_handler(LOOP, on_report, NULL);
    for (int i = 0; i < 3; i++)
        fds[i] = dial("127.0.0.1", asyncio_server_port(server));
    accept_error = EMFILE;
    accept_errors = 2;
    accept_calls = 0;
    start = asyncio_loop_time(LOOP);
    assert_r(asyncio_sleep(0.9), 0);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(accept_calls, 1);
    ck_assert_int_eq(reported_code, UV_EMFILE);
    ck_assert_int_eq(reported_socket, listener);
    ck_assert_str_eq(reported, "socket.accept() out of system resource");
    ck_assert(asyncio_server_is_serving(server));
    /* Still none: it says so again, once a second. */
    assert_r(asyncio_sleep(1), 0);
    ck_assert_int_eq(reports, 2);
    ck_assert_int_eq(clients.count, 0);
    WAIT_FOR(clients.count == 3 || asyncio_sleep(0.01) < 0);
    ck_assert_double_ge(asyncio_loop_time(LOOP) - start, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(write(fds[i], "x", 1), 1);
        WAIT_FOR(clients.list[i].size == 1);
        close(fds[i]);
    }
    ck_assert_int_eq(reports, 2);
    end_server(server);
}

BEHAVIOUR(a_server_that_rests_can_be_closed)
{
    asyncio_server_t *server = make_server(0);
    int fd;

    asyncio_loop_set_exception_handler(LOOP, on_report, NULL);
    accept_error = ENFILE;
    accept_errors = 1;
    fd = dial("127.0.0.1", asyncio_server_port(server));
    while (reports == 0)
        assert_r(asyncio_sleep(0.001), 0);
    asyncio_server_close(server);
    assert_r(asyncio_sleep(2), 0);
    ck_assert_int_eq(clients.count, 0);
    ck_assert_int_eq(reports, 1);
    close(fd);
    end_server(server);
}

struct forever {
    asyncio_server_t *server;
};

static int
forever(void *frame)
{
    return asyncio_server_serve_forever(((struct forever *) frame)->server);
}

BEHAVIOUR(only_one_task_serves_forever_and_closing_ends_it)
{
    asyncio_server_t *server = make_server(0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(forever, .server = server));

    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_server_serve_forever(server), ASYNCIO_ERR_RUNTIME);
    ck_assert_ptr_nonnull(strstr(error_text(), "already being awaited"));
    asyncio_server_close(server);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    assert_r(asyncio_server_start_serving(server), ASYNCIO_ERR_RUNTIME);
    end_server(server);
}

BEHAVIOUR(a_loop_that_ends_takes_its_server_along)
{
    asyncio_server_t *server = make_server(0);

    ck_assert(asyncio_server_is_serving(server));
    asyncio_server_unref(server);
    /* That nothing stays open is checked after every test. */
}

static int
refuse(void *arg, asyncio_protocol_t **ret_protocol)
{
    (void) arg;
    (void) ret_protocol;
    return ASYNCIO_ERR_FAILED;
}

BEHAVIOUR(a_factory_that_fails_is_reported_and_the_client_closed)
{
    asyncio_server_t *server;
    char byte;
    int fd;

    asyncio_loop_set_exception_handler(LOOP, on_report, NULL);
    assert_r(asyncio_loop_create_server(LOOP, refuse, "127.0.0.1", 0, &server),
             0);
    fd = dial("127.0.0.1", asyncio_server_port(server));
    WAIT_FOR(reports == 1);
    ck_assert_int_eq(reported_code, ASYNCIO_ERR_FAILED);
    ck_assert_int_eq(read(fd, &byte, 1), 0);
    ck_assert(asyncio_server_is_serving(server));
    close(fd);
    end_server(server);
}
