/* SPDX-License-Identifier: MIT */
/*
 * One end of a TLS connection, the other one of which is somebody else's.
 *
 *     tls_peer serve CERTIFICATE        prints its port, echoes for ever
 *     tls_peer call PORT AUTHORITY      sends stdin's lines, prints what comes
 *
 * live.py runs it against Python and the openssl program.
 */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct serve {
    const char *certificate;
};

static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    char line[65536];
    ptrdiff_t n;
    int r = 0;

    (void) arg;
    while ((n = asyncio_stream_reader_read(reader, line, sizeof line)) > 0
           && r >= 0) {
        r = asyncio_stream_writer_write(writer, line, (size_t) n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
    }
    asyncio_stream_writer_close(writer);
    if (n < 0)
        fprintf(stderr, "%s\n", asyncio_err_name((int) n));
    return r;
}

static int
serve(void *arg)
{
    struct serve *self = arg;
    asyncio_ssl_context_t *context;
    asyncio_server_t *server;
    int r = asyncio_ssl_context_new_server(&context);

    if (r >= 0)
        r = asyncio_ssl_context_load_cert_chain(context, self->certificate,
                                                NULL);
    if (r >= 0)
        r = asyncio_start_server(echo, "127.0.0.1", 0, &server,
                                 .ssl = context, .stack_size = 256 * 1024);
    if (r < 0)
        return r;
    printf("%d\n", asyncio_server_port(server));
    fflush(stdout);
    return asyncio_server_serve_forever(server);
}

struct call {
    int port;
    const char *authority;
};

static int
call(void *arg)
{
    struct call *self = arg;
    asyncio_ssl_context_t *context;
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    char line[4096];
    int r = asyncio_ssl_context_new_client(&context);

    if (r >= 0)
        r = asyncio_ssl_context_load_verify_locations(
            context, self->authority, NULL);
    if (r >= 0)
        r = asyncio_open_connection("127.0.0.1", self->port, &reader, &writer,
                                    .ssl = context);
    if (r < 0)
        return r;
    while (r >= 0 && fgets(line, sizeof line, stdin) != NULL) {
        r = asyncio_stream_writer_write(writer, line, strlen(line));
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
        ptrdiff_t n = r < 0 ? r
                            : asyncio_stream_reader_readline(reader, line,
                                                             sizeof line);
        if (n > 0)
            fwrite(line, 1, (size_t) n, stdout);
        else
            r = n == 0 ? ASYNCIO_ERR_INCOMPLETE_READ : (int) n;
    }
    asyncio_stream_writer_close(writer);
    int closed = asyncio_stream_writer_wait_closed(writer);
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
    asyncio_ssl_context_unref(context);
    return r < 0 ? r : closed;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return asyncio_main(asyncio_coro(serve, .certificate = argv[2]));
    if (argc == 4 && strcmp(argv[1], "call") == 0)
        return asyncio_main(asyncio_coro(call, .port = atoi(argv[2]),
                                         .authority = argv[3]));
    return 2;
}
