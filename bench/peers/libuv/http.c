/* SPDX-License-Identifier: MIT */
/*
 * An HTTP client of plain libuv callbacks: 1,000 connections at once, either
 * kept alive for 20 requests each, or new for every request.
 */
#include "bench.h"
#include "http.h"

#include <stdlib.h>
#include <uv.h>

struct client {
    uv_tcp_t tcp; /* first: a handle is its client */
    uv_connect_t connecting;
    uv_write_t writing;
    size_t size; /* bytes of the reply so far */
    char reply[4096];
};

static struct client clients[HTTP_AT_ONCE];
static struct sockaddr_in server;
static const char *request;
static uint64_t to_send; /* requests not sent yet */
static bool keepalive;

static void connect_client(struct client *client);

static void
on_closed(uv_handle_t *handle)
{
    if (!keepalive && to_send > 0)
        connect_client((struct client *) handle);
}

static void
on_written(uv_write_t *req, int status)
{
    (void) req;
    if (status < 0)
        bench_skip("libuv: write: %s", uv_strerror(status));
}

static void
send_request(struct client *client)
{
    uv_stream_t *stream = (uv_stream_t *) &client->tcp;
    size_t n = strlen(request);
    uv_buf_t buf = uv_buf_init((char *) (uintptr_t) request, (unsigned) n);

    to_send--;
    client->size = 0;
    int written = uv_try_write(stream, &buf, 1);
    if (written == (int) n)
        return;
    buf.base += written < 0 ? 0 : written;
    buf.len -= (size_t) (written < 0 ? 0 : written);
    uv_write(&client->writing, stream, &buf, 1, on_written);
}

static void
on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct client *client = (struct client *) handle;

    (void) hint;
    *buf = uv_buf_init(client->reply + client->size,
                       (unsigned) (sizeof client->reply - 1 - client->size));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *client = (struct client *) stream;

    (void) buf;
    if (n < 0)
        bench_skip("libuv: read: %s", uv_strerror((int) n));
    client->size += (size_t) n;
    client->reply[client->size] = '\0';
    if (http_reply_size(client->reply, client->size) == 0)
        return;
    if (keepalive && to_send > 0)
        send_request(client);
    else
        uv_close((uv_handle_t *) stream, on_closed);
}

static void
on_connected(uv_connect_t *req, int status)
{
    struct client *client = (struct client *) req->handle;

    if (status < 0)
        bench_skip("libuv: connect: %s", uv_strerror(status));
    uv_tcp_nodelay(&client->tcp, 1);
    uv_read_start(req->handle, on_alloc, on_read);
    if (to_send > 0)
        send_request(client);
    else
        uv_close((uv_handle_t *) req->handle, on_closed);
}

static void
connect_client(struct client *client)
{
    uv_tcp_init(uv_default_loop(), &client->tcp);
    uv_tcp_connect(&client->connecting, &client->tcp,
                   (struct sockaddr *) &server, on_connected);
}

static void
get(struct bench *bench)
{
    uv_ip4_addr("127.0.0.1", bench_http_port(), &server);
    keepalive = bench->arg;
    request = keepalive ? HTTP_GET : HTTP_GET_CLOSE;
    to_send = bench->n;
    bench_start(bench);
    for (int i = 0; i < HTTP_AT_ONCE; i++)
        connect_client(&clients[i]);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    bench_stop(bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "http/keepalive",
         .run = get,
         .arg = 1,
         .n = HTTP_KEEPALIVE,
         .unit = "us",
         .macro = true,
         .by_cpu = true},
        {.name = "http/new",
         .run = get,
         .n = HTTP_NEW,
         .unit = "us",
         .macro = true,
         .by_cpu = true},
        {0},
    };
    return bench_main(argc, argv, "libuv", cases);
}
