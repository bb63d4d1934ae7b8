/* SPDX-License-Identifier: MIT */
/* An echo server on transports and protocols: no task, only callbacks. */
#include "case.h"

#include <uv.h>

struct echo {
    asyncio_protocol_t base; /* first: a protocol is its echo */
    asyncio_transport_t *transport;
};

static int
on_made(asyncio_protocol_t *self, asyncio_transport_t *transport)
{
    ((struct echo *) self)->transport = transport;
    return 0;
}

static int
on_data(asyncio_protocol_t *self, const void *data, size_t size)
{
    return asyncio_transport_write(((struct echo *) self)->transport, data,
                                   size);
}

static void
on_drop(asyncio_protocol_t *self)
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
        .connection_made = on_made,
        .data_received = on_data,
        .drop = on_drop,
    };
    *ret_protocol = &echo->base;
    return 0;
}

static int
body(void *arg)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_server_t *server;

    (void) arg;
    must(asyncio_loop_create_server(loop, make_echo, "127.0.0.1", 0, &server,
                                    .backlog = 1024));
    bench_serving(asyncio_server_port(server));
    return asyncio_server_serve_forever(server);
}

static void
serve(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "serve/echo-protocol", .run = serve},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
