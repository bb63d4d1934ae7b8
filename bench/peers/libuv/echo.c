/* SPDX-License-Identifier: MIT */
/*
 * An echo server of plain libuv callbacks. As fast as they get: one read buffer
 * for all connections, uv_try_write() first, and a copy only of what the socket
 * did not take. The same with a counter of each connection in a page of its own,
 * far from the others, as every coroutine with a stack has one: what that alone
 * costs. And as libuv's guide writes it: uv_write() of a copy.
 */
#include "bench.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <uv.h>

enum variant {
    TRY_FIRST,
    TRY_FIRST_PAGES,
    WRITE_COPY
};

enum {
    STRIDE = 256 * 1024, /* bytes from one page to the next */
    PAGES = 4096
};

static char buffer[64 * 1024];
static enum variant variant;
static char *pages;
static size_t used; /* pages */

struct rest {
    uv_write_t req;
    char bytes[];
};

static void
on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void) handle;
    (void) hint;
    *buf = uv_buf_init(buffer, sizeof buffer);
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void
on_written(uv_write_t *req, int status)
{
    if (status < 0 && !uv_is_closing((uv_handle_t *) req->handle))
        uv_close((uv_handle_t *) req->handle, on_closed);
    free(req);
}

static void
write_rest(uv_stream_t *peer, const char *bytes, size_t n)
{
    struct rest *rest = malloc(sizeof *rest + n);
    if (rest == NULL)
        abort();
    memcpy(rest->bytes, bytes, n);
    uv_buf_t buf = uv_buf_init(rest->bytes, (unsigned) n);
    uv_write(&rest->req, peer, &buf, 1, on_written);
}

static void
on_read(uv_stream_t *peer, ssize_t n, const uv_buf_t *got)
{
    if (n < 0) {
        uv_close((uv_handle_t *) peer, on_closed);
        return;
    }
    uv_buf_t buf = uv_buf_init(got->base, (unsigned) n);
    if (variant == TRY_FIRST_PAGES)
        ++*(size_t *) peer->data;
    int written = variant != WRITE_COPY ? uv_try_write(peer, &buf, 1) : 0;
    if (written < 0)
        written = 0;
    if (written < n)
        write_rest(peer, got->base + written, (size_t) (n - written));
}

static void
on_connection(uv_stream_t *listener, int status)
{
    uv_tcp_t *peer = malloc(sizeof *peer);
    if (status < 0 || peer == NULL)
        abort();
    uv_tcp_init(listener->loop, peer);
    if (uv_accept(listener, (uv_stream_t *) peer) < 0)
        abort();
    uv_tcp_nodelay(peer, 1);
    if (variant == TRY_FIRST_PAGES) /* not all in the same cache sets */
        peer->data = pages + used % PAGES * STRIDE + used % 29 * 64;
    used++;
    uv_read_start((uv_stream_t *) peer, on_alloc, on_read);
}

static void
serve(struct bench *bench)
{
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_in at;
    int size = sizeof at;
    uv_tcp_t listener;

    variant = (enum variant) bench->arg;
    pages = mmap(NULL, (size_t) PAGES * STRIDE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        abort();
    madvise(pages, (size_t) PAGES * STRIDE, MADV_NOHUGEPAGE);
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_init(loop, &listener);
    uv_tcp_bind(&listener, (struct sockaddr *) &at, 0);
    if (uv_listen((uv_stream_t *) &listener, 1024, on_connection) < 0)
        abort();
    uv_tcp_getsockname(&listener, (struct sockaddr *) &at, &size);
    bench_serving(ntohs(at.sin_port));
    uv_run(loop, UV_RUN_DEFAULT);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "serve/echo", .run = serve, .arg = TRY_FIRST},
        {.name = "serve/echo-pages", .run = serve, .arg = TRY_FIRST_PAGES},
        {.name = "serve/echo-uv_write", .run = serve, .arg = WRITE_COPY},
        {0},
    };
    return bench_main(argc, argv, "libuv", cases);
}
