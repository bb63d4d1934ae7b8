/* SPDX-License-Identifier: MIT */
/* The file of a Unix server: replaced when stale, refused when another's,
 * removed at the end only while it is the server's own. */
#include "behaviour.h"

#include <asyncio.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

static char path[64];

static const char *
new_path(void)
{
    snprintf(path, sizeof path, "/tmp/asyncio-file-%d", (int) getpid());
    return path;
}

static bool
exists(void)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static int
bound_socket(int type)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    ck_assert_int_ge(fd, 0);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &addr, sizeof addr), 0);
    return fd;
}

static int
says_hello(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
           void *arg)
{
    int r;

    (void) reader;
    (void) arg;
    r = asyncio_stream_writer_write(writer, "hello", 5);
    asyncio_stream_writer_close(writer);
    return r;
}

static void
assert_serves(void)
{
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    char text[5];

    assert_r(asyncio_open_unix_connection(path, &reader, &writer), 0);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, text, 5), 5);
    asyncio_stream_writer_close(writer);
    assert_r(asyncio_stream_writer_wait_closed(writer), 0);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
}

static asyncio_server_t *
serve(void)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_unix_server(says_hello, path, &server), 0);
    return server;
}

static void
end(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

/* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_existing_path_sock */
BEHAVIOUR(a_stale_socket_file_is_replaced)
{
    new_path();
    close(bound_socket(SOCK_STREAM));
    ck_assert(exists());
    asyncio_server_t *server = serve();
    assert_serves();
    end(server);
    ck_assert(!exists());
}

BEHAVIOUR(a_file_that_is_no_socket_is_left_alone)
{
    asyncio_server_t *server = NULL;
    char expected[100];

    int fd = open(new_path(), O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    assert_r(asyncio_start_unix_server(says_hello, path, &server),
             UV_EADDRINUSE);
    snprintf(expected, sizeof expected, "Address '%s' is already in use",
             path);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     expected);
    ck_assert_ptr_null(server);
    ck_assert(exists());
    unlink(path);
}

static asyncio_server_t *
serve_on(int sock, bool no_cleanup)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_unix_server(says_hello, NULL, &server,
                                       .sock = &sock,
                                       .no_cleanup_socket = no_cleanup),
             0);
    return server;
}

/* parity: test_server.py UnixServerCleanupTests test_unix_server_sock_cleanup */
/* parity: test_unix_events.py SelectorEventLoopUnixSocketTests test_create_unix_server_path_stream_bittype */
BEHAVIOUR(the_file_of_a_socket_that_was_given_is_removed_too)
{
    new_path();
    asyncio_server_t *server =
        serve_on(bound_socket(SOCK_STREAM | SOCK_NONBLOCK), false);
    assert_serves();
    ck_assert(exists());
    end(server);
    ck_assert(!exists());
}

/* parity: test_server.py UnixServerCleanupTests test_unix_server_cleanup_replaced */
BEHAVIOUR(a_file_that_took_its_place_is_left_alone)
{
    new_path();
    asyncio_server_t *server = serve();
    unlink(path);
    int other = bound_socket(SOCK_STREAM);
    end(server);
    ck_assert(exists());
    close(other);
    unlink(path);
}

BEHAVIOUR(a_file_that_is_gone_is_not_missed)
{
    new_path();
    asyncio_server_t *server = serve();
    unlink(path);
    end(server);
    ck_assert(!exists());
}

/* parity: test_server.py UnixServerCleanupTests test_unix_server_cleanup_prevented */
BEHAVIOUR(a_server_may_leave_its_file)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_unix_server(says_hello, new_path(), &server,
                                       .no_cleanup_socket = true),
             0);
    assert_serves();
    end(server);
    ck_assert(exists());
    unlink(path);
    server = serve_on(bound_socket(SOCK_STREAM), true);
    end(server);
    ck_assert(exists());
    unlink(path);
}

static int
serves(void *frame)
{
    (void) frame;
    asyncio_server_unref(serve());
    return 0;
}

PLAIN(the_end_of_the_loop_removes_the_file_too)
{
    new_path();
    assert_r(asyncio_run(asyncio_coro(serves)), 0);
    ck_assert(!exists());
}

BEHAVIOUR(a_second_server_takes_the_place_of_the_first)
{
    new_path();
    asyncio_server_t *first = serve();
    asyncio_server_t *second = serve();
    end(first);
    ck_assert(exists());
    assert_serves();
    end(second);
    ck_assert(!exists());
}

BEHAVIOUR(the_permissions_of_the_file_are_those_of_umask)
{
    mode_t before = umask(0177);
    struct stat st;

    new_path();
    asyncio_server_t *server = serve();
    umask(before);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    end(server);
}

BEHAVIOUR(who_may_not_write_may_not_connect)
{
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;

    if (geteuid() == 0)
        return; /* who may do everything */
    new_path();
    asyncio_server_t *server = serve();
    chmod(path, 0);
    assert_r(asyncio_open_unix_connection(path, &reader, &writer), UV_EACCES);
    end(server);
}
