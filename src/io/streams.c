/* SPDX-License-Identifier: MIT */
/*
 * open_connection: a connection with a reader and a writer.
 *
 * The protocol is made before there is a connection, and given to the
 * transport when there is one. If anything fails after that, the connection is
 * aborted.
 *
 * Python counterpart: the client's side of asyncio.streams.
 */
#include <string.h>

#include "io/stream.h"

struct client {
    asyncio_loop_t *loop;
    asyncio_stream_reader_t *reader;
    struct aio__stream_protocol *protocol;
    asyncio_connection_options_t options;
};

static int
client_begin(struct client *client,
             const asyncio_connection_options_t *options)
{
    int r;

    r = aio__fiber_running(&client->loop);
    if (r < 0)
        return r;
    client->options = (asyncio_connection_options_t){.size = 0};
    if (options != NULL)
        memcpy(&client->options, options,
               options->size < sizeof *options ? options->size
                                               : sizeof *options);
    client->options.size = sizeof client->options;
    r = aio__reader_check(client->options.limit);
    if (r < 0)
        return r;
    r = aio__reader_new(client->loop, client->options.limit, &client->reader);
    if (r < 0)
        return r;
    r = aio__stream_protocol_new(client->loop, client->reader, NULL,
                                 &client->protocol);
    if (r < 0) {
        asyncio_stream_reader_unref(client->reader);
        return r;
    }
    client->options.arg = client;
    return 0;
}

/* The factory: the transport drops its reference with the protocol. */
static int
give_protocol(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct client *client = arg;

    client->protocol->refs++;
    *ret_protocol = &client->protocol->protocol;
    return 0;
}

/* `r`: whether there is a transport. */
static int
client_end(struct client *client, int r, asyncio_transport_t *transport,
           asyncio_stream_reader_t **ret_reader,
           asyncio_stream_writer_t **ret_writer)
{
    bool made = r >= 0;

    if (made)
        r = asyncio_stream_writer_new(transport, &client->protocol->protocol,
                                      client->reader, ret_writer);
    if (made && r < 0)
        asyncio_transport_abort(transport);
    aio__stream_protocol_unref(client->protocol);
    if (r < 0)
        asyncio_stream_reader_unref(client->reader);
    else
        *ret_reader = client->reader;
    return r;
}

typedef int (*connect_fn)(struct client *client, const char *where, int port,
                          asyncio_transport_t **ret_transport);

static int
connect_tcp(struct client *client, const char *host, int port,
            asyncio_transport_t **ret_transport)
{
    return asyncio_loop_create_connection(client->loop, give_protocol, host, port,
                                          ret_transport, NULL,
                                          &client->options);
}

static int
open_stream(connect_fn connect, const char *where, int port,
            asyncio_stream_reader_t **ret_reader,
            asyncio_stream_writer_t **ret_writer,
            const asyncio_connection_options_t *options)
{
    asyncio_transport_t *transport = NULL;
    struct client client;
    int r;

    r = client_begin(&client, options);
    if (r < 0)
        return r;
    r = connect(&client, where, port, &transport);
    return client_end(&client, r, transport, ret_reader, ret_writer);
}

int
asyncio_open_connection(const char *host, int port,
                        asyncio_stream_reader_t **ret_reader,
                        asyncio_stream_writer_t **ret_writer,
                        const asyncio_connection_options_t *options)
{
    return open_stream(connect_tcp, host, port, ret_reader, ret_writer,
                       options);
}

static int
connect_unix(struct client *client, const char *path, int port,
             asyncio_transport_t **ret_transport)
{
    (void) port;
    return asyncio_loop_create_unix_connection(client->loop, give_protocol,
                                               path, ret_transport, NULL,
                                               &client->options);
}

int
asyncio_open_unix_connection(const char *path,
                             asyncio_stream_reader_t **ret_reader,
                             asyncio_stream_writer_t **ret_writer,
                             const asyncio_connection_options_t *options)
{
    return open_stream(connect_unix, path, 0, ret_reader, ret_writer, options);
}
