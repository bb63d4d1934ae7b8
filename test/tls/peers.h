/* SPDX-License-Identifier: MIT */
/* What the tests of TLS have in common: contexts, an echo server, streams. */
#ifndef TEST_TLS_PEERS_H
#define TEST_TLS_PEERS_H

#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define UNUSED __attribute__((unused))

/* The system's authorities are many, and slow to read. */
__attribute__((constructor)) static void
forget_the_systems_authorities(void)
{
    setenv("SSL_CERT_FILE", "/dev/null", 1);
    setenv("SSL_CERT_DIR", "/dev/null", 1);
}

UNUSED static asyncio_ssl_context_t *
server_context(const char *name)
{
    asyncio_ssl_context_t *context;
    char path[512];

    assert_r(asyncio_ssl_context_new_server(&context), 0);
    snprintf(path, sizeof path, CERTIFICATES "/%s.pem", name);
    assert_r(asyncio_ssl_context_load_cert_chain(context, path, NULL), 0);
    return context;
}

/* One that trusts the tests' authority. */
UNUSED static asyncio_ssl_context_t *
client_context(void)
{
    asyncio_ssl_context_t *context;

    assert_r(asyncio_ssl_context_new_client(&context), 0);
    assert_r(asyncio_ssl_context_load_verify_locations(
                 context, CERTIFICATES "/ca.crt", NULL),
             0);
    return context;
}

/* Echoes until the end of file. */
UNUSED static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    static char buffer[65536];

    (void) arg;
    for (;;) {
        ptrdiff_t n =
            asyncio_stream_reader_read(reader, buffer, sizeof buffer);
        if (n <= 0) {
            asyncio_stream_writer_close(writer);
            return n == ASYNCIO_ERR_SSL_EOF || n == UV_ECONNRESET ? 0
                                                                  : (int) n;
        }
        int r = asyncio_stream_writer_write(writer, buffer, (size_t) n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
        if (r < 0)
            return 0;
    }
}

UNUSED static asyncio_server_t *
serve(asyncio_client_connected_cb_t callback, void *arg,
      asyncio_ssl_context_t *context)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(callback, "127.0.0.1", 0, &server,
                                  .arg = arg, .ssl = context),
             0);
    asyncio_ssl_context_unref(context);
    return server;
}

UNUSED static void
end(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

struct stream {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
};

UNUSED static int
try_connect(asyncio_server_t *server, const char *hostname,
            asyncio_ssl_context_t *context, struct stream *ret)
{
    int r = asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                    &ret->reader, &ret->writer, .ssl = context,
                                    .server_hostname = hostname);

    asyncio_ssl_context_unref(context);
    return r;
}

UNUSED static struct stream
connect_to(asyncio_server_t *server)
{
    struct stream s;

    assert_r(try_connect(server, "server.test", client_context(), &s), 0);
    return s;
}

UNUSED static void
hang_up(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
}

/* Without asking how it ended. */
UNUSED static void
drop(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    asyncio_failed(asyncio_stream_writer_wait_closed(s.writer));
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
}

/* What was sent comes back. */
UNUSED static void
assert_echo(struct stream s, const char *line)
{
    char answer[128];
    int size = (int) strlen(line);

    assert_r(asyncio_stream_writer_write(s.writer, line, strlen(line)), 0);
    assert_r(asyncio_stream_writer_drain(s.writer), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, answer, sizeof answer), size);
    ck_assert_str_eq(answer, line);
}

/* The message of the newest error. */
UNUSED static const char *
message(void)
{
    static char text[500];
    const asyncio_exception_t *exception = asyncio_current_exception();
    const char *found =
        exception != NULL ? asyncio_exception_message(exception) : NULL;

    snprintf(text, sizeof text, "%s", found != NULL ? found : "");
    return text;
}

#define assert_message(part)                                              \
    ck_assert_msg(strstr(message(), part) != NULL, "message is \"%s\"",   \
                  message())

#endif
