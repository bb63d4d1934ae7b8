/* SPDX-License-Identifier: MIT */
/* Both ends of an echo conversation, on transports and protocols. The client
 * is a buffered protocol. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct echo {
    asyncio_protocol_t base; /* first: a protocol is its echo */
    asyncio_transport_t *transport;
    size_t total;
};

static int
echo_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    ((struct echo *) self)->transport = transport;
    return 0;
}

static int
echo_data(asyncio_protocol_t *self, const void *data, size_t size)
{
    struct echo *echo = (struct echo *) self;

    echo->total += size;
    return asyncio_transport_write(echo->transport, data, size);
}

static int
echo_eof(asyncio_protocol_t *self)
{
    struct echo *echo = (struct echo *) self;
    char end[32];
    int n = snprintf(end, sizeof end, "END %zu\n", echo->total);

    return asyncio_transport_write(echo->transport, end, (size_t) n);
}

/* The client has to take what it sent before it may send more. */
static int
echo_pause(asyncio_protocol_t *self)
{
    return asyncio_transport_pause_reading(((struct echo *) self)->transport);
}

static int
echo_resume(asyncio_protocol_t *self)
{
    return asyncio_transport_resume_reading(((struct echo *) self)->transport);
}

static void
echo_drop(asyncio_protocol_t *self)
{
    free(self);
}

static int
make_echo(void *arg, asyncio_protocol_t **ret_protocol)
{
    struct echo *echo = calloc(1, sizeof *echo);

    (void) arg;
    if (echo == NULL)
        return UV_ENOMEM;
    echo->base = (asyncio_protocol_t){
        .connection_made = echo_made,
        .data_received = echo_data,
        .eof_received = echo_eof,
        .pause_writing = echo_pause,
        .resume_writing = echo_resume,
        .drop = echo_drop,
    };
    *ret_protocol = &echo->base;
    return 0;
}

void
serve_protocols(const char *path, asyncio_server_t *ret_servers[2])
{
    asyncio_loop_t *loop = asyncio_get_running_loop();

    must(asyncio_loop_create_server(loop, make_echo, "127.0.0.1", 0,
                                    &ret_servers[0]));
    must(asyncio_loop_create_unix_server(loop, make_echo, path,
                                         &ret_servers[1]));
}

struct client {
    asyncio_protocol_t base;
    const struct talk *talk;
    asyncio_transport_t *transport;
    asyncio_future_t *lost;
    size_t sent;
    bool paused;
    char buffer[5000];
};

static struct client *
client_of(asyncio_protocol_t *self)
{
    return (struct client *) self;
}

/* Sends until it is told to wait. */
static int
pump(struct client *client)
{
    const struct talk *talk = client->talk;

    while (!client->paused && client->sent < talk->size) {
        size_t n = talk->size - client->sent;
        if (n > 70001)
            n = 70001;
        must(asyncio_transport_write(client->transport,
                                     talk->data + client->sent, n));
        client->sent += n;
    }
    if (!client->paused && client->sent == talk->size)
        must(asyncio_transport_write_eof(client->transport));
    return 0;
}

static int
client_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    client_of(self)->transport = transport;
    return pump(client_of(self));
}

static int
client_pause(asyncio_protocol_t *self)
{
    client_of(self)->paused = true;
    return 0;
}

static int
client_resume(asyncio_protocol_t *self)
{
    client_of(self)->paused = false;
    return pump(client_of(self));
}

static int
client_get_buffer(asyncio_protocol_t *self, ptrdiff_t hint, void **ret_buffer,
                  size_t *ret_size)
{
    (void) hint;
    *ret_buffer = client_of(self)->buffer;
    *ret_size = sizeof client_of(self)->buffer;
    return 0;
}

static int
client_buffer_updated(asyncio_protocol_t *self, size_t size)
{
    fwrite(client_of(self)->buffer, 1, size, client_of(self)->talk->got);
    return 0;
}

static int
client_lost(asyncio_protocol_t *self, const asyncio_exception_t *exception)
{
    must(asyncio_exception_code(exception));
    return asyncio_future_set_result(client_of(self)->lost, NULL);
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

void
talk_protocols(const struct talk *talk)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL)
        must(UV_ENOMEM);
    client->base = (asyncio_protocol_t){
        .connection_made = client_made,
        .connection_lost = client_lost,
        .pause_writing = client_pause,
        .resume_writing = client_resume,
        .get_buffer = client_get_buffer,
        .buffer_updated = client_buffer_updated,
    };
    client->talk = talk;
    client->lost = asyncio_future_new();
    if (talk->place.path != NULL)
        must(asyncio_loop_create_unix_connection(
            loop, give, talk->place.path, NULL, NULL, .arg = client));
    else
        must(asyncio_loop_create_connection(loop, give, "127.0.0.1",
                                            talk->place.port, NULL, NULL,
                                            .arg = client));
    must(asyncio_await(client->lost));
    asyncio_future_unref(client->lost);
    free(client);
}
