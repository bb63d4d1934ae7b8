/* SPDX-License-Identifier: MIT */
/* Streams over real sockets: open_connection, start_server, reading, writing,
 * closing. */
#include "behaviour.h"

#include <asyncio.h>
#include <string.h>
#include <unistd.h>

/* Echoes until the end of file. */
static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    char buffer[4096];

    (void) arg;
    for (;;) {
        ptrdiff_t n =
            asyncio_stream_reader_read(reader, buffer, sizeof buffer);
        if (n <= 0) {
            asyncio_stream_writer_close(writer);
            return (int) n;
        }
        int r = asyncio_stream_writer_write(writer, buffer, (size_t) n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
        if (r < 0)
            return r;
    }
}

static asyncio_server_t *
serve(asyncio_client_connected_cb_t callback, void *arg)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(callback, "127.0.0.1", 0, &server,
                                  .arg = arg),
             0);
    return server;
}

static void
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

static struct stream
connect_to(asyncio_server_t *server)
{
    struct stream s;

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    return s;
}

static void
hang_up(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
}

/* parity: test_streams.py StreamTests test_open_connection */
/* parity: test_streams.py StreamTests test_start_server */
BEHAVIOUR(a_line_comes_back_from_an_echo_server)
{
    asyncio_server_t *server = serve(echo, NULL);
    struct stream s = connect_to(server);
    char line[64];

    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    assert_r(asyncio_stream_writer_drain(s.writer), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 6);
    ck_assert_str_eq(line, "hello\n");
    hang_up(s);
    end(server);
}
