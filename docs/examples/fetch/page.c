/* SPDX-License-Identifier: MIT */
/*
 * One page: request, redirects, retries.
 *
 *   page_fetch   attempts, with a growing pause between them
 *   attempt      one of them, under a deadline that covers all of it
 *   follow       requests, until one is no redirect
 *   request      one of them, on a connection from the pool
 *   exchange     what happens on that connection
 *
 * Every function that may be cancelled gives back what it has before it
 * returns, as for any other error: a cancellation needs no code of its own.
 */
#include "page.h"

#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* Where a body goes. */
struct sink {
    struct session *session;
    struct page *page;
    struct output output;
};

static int
take_piece(void *arg, const void *data, size_t size)
{
    struct sink *sink = arg;
    uint64_t max = sink->session->options->max_size;

    sink->page->bytes += size;
    sink->session->stats.bytes += size;
    if (max > 0 && sink->page->bytes > max)
        return asyncio_raise(UV_EFBIG, "larger than %llu bytes",
                             (unsigned long long) max);
    return sink->output.fd < 0 ? 0 : output_write(&sink->output, data, size);
}

static bool
is_redirect(const struct response *response)
{
    int status = response->status;

    return response->location != NULL
           && (status == 301 || status == 302 || status == 303 || status == 307
               || status == 308);
}

/* Request and response on a connection. */
static int
exchange(struct session *session, struct page *page, const struct url *url,
         struct connection *connection, struct response *response)
{
    struct sink sink = {
        .session = session, .page = page, .output = {.fd = -1}};
    const char *directory = session->options->output;

    int r = http_get(connection->writer, url);
    if (r == 0)
        r = asyncio_stream_writer_drain(connection->writer);
    if (r == 0)
        r = http_read_head(connection->reader, response);
    if (r < 0)
        return r;

    page->status = response->status;
    page->retry_after = response->retry_after;
    page->bytes = 0;
    if (directory != NULL && response->status == 200) {
        struct url asked_for; /* the name of the file, whatever redirects do */
        r = url_parse(page->text, &asked_for);
        if (r == 0) {
            r = output_open(&sink.output, directory, &asked_for, page->number);
            url_fini(&asked_for);
        }
    }
    if (r == 0)
        r = http_read_body(connection->reader, response, take_piece, &sink);
    if (r == 0 && sink.output.fd >= 0)
        r = output_commit(&sink.output);
    output_discard(&sink.output);
    return r;
}

/* A server that closes an idle connection at the very moment we use it has
 * not seen the request: it is sent again on another one. */
static bool
lost_the_race(const struct connection *connection,
              const struct response *response, int r)
{
    return connection->reused && response->lines == 0
           && (r == ASYNCIO_ERR_INCOMPLETE_READ || r == UV_ECONNRESET
               || r == UV_EPIPE || r == ASYNCIO_ERR_CLOSED
               || r == ASYNCIO_ERR_SSL_EOF);
}

static int
request(struct session *session, struct page *page, const struct url *url,
        struct response *response)
{
    for (;;) {
        struct connection *connection;
        int r = pool_get(&session->pool, url, &connection);
        if (r < 0)
            return r;
        response_init(response);
        r = exchange(session, page, url, connection, response);
        bool again = lost_the_race(connection, response, r);
        pool_put(&session->pool, connection, r == 0 && response->keep_alive);
        if (!again)
            return r;
        response_fini(response);
    }
}

/* From the page's URL to where it really is. */
static int
follow(struct session *session, struct page *page)
{
    struct url url;
    int r = url_parse(page->text, &url);

    if (r < 0)
        return r;
    for (unsigned hops = 0;; hops++) {
        struct response response = {0};
        struct url next;
        r = request(session, page, &url, &response);
        if (r < 0 || !is_redirect(&response)) {
            response_fini(&response);
            break;
        }
        if (hops == session->options->max_redirects)
            r = asyncio_raise(UV_ELOOP, "more than %u redirects", hops);
        else
            r = url_join(&url, response.location, &next);
        response_fini(&response);
        if (r < 0)
            break;
        page->redirects++;
        session->stats.redirects++;
        url_fini(&url);
        url = next;
    }
    url_fini(&url);
    if (r == 0 && page->status >= 400)
        r = asyncio_raise(ASYNCIO_ERR_FAILED, "HTTP status %d", page->status);
    return r;
}

static int
attempt(struct session *session, struct page *page)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    double began = asyncio_loop_time(loop);
    asyncio_timeout_t timeout;

    page->status = 0;
    page->retry_after = 0;
    asyncio_timeout_enter(asyncio_timeout(&timeout, session->options->timeout));
    int r = follow(session, page);
    r = asyncio_timeout_exit(&timeout, r);
    page->latency = asyncio_loop_time(loop) - began;
    return r;
}

/* Errors that may pass; a bad URL or a full disk does not. */
static bool
may_pass(const struct page *page, int r)
{
    switch (r) {
    case ASYNCIO_ERR_FAILED:
        return page->status == 429 || page->status == 500
               || (page->status >= 502 && page->status <= 504);
    case UV_EINVAL:
    case UV_EPROTONOSUPPORT:
    case UV_ENOTSUP: /* https, in a library without TLS */
    case ASYNCIO_ERR_SSL:
    case ASYNCIO_ERR_SSL_CERT_VERIFICATION:
    case UV_ELOOP:
    case UV_EFBIG:
    case UV_ENAMETOOLONG:
    case UV_EAI_NONAME:
    case UV_EACCES:
    case UV_ENOSPC:
    case UV_EISDIR:
    case UV_ENOTDIR:
        return false;
    default:
        return asyncio_failed(r);
    }
}

/* Twice as long each time, give or take a half, so that clients which failed
 * together do not come back together. */
static double
pause_before(const struct page *page)
{
    double pause = 0.1 * (double) (1U << (page->retries < 6 ? page->retries : 6));

    pause *= 0.5 + (double) rand() / RAND_MAX;
    if (pause < page->retry_after)
        pause = page->retry_after < 60 ? page->retry_after : 60;
    return pause;
}

int
page_fetch(struct session *session, struct page *page)
{
    int r = attempt(session, page);

    while (may_pass(page, r) && page->retries < session->options->retries) {
        int slept = asyncio_sleep(pause_before(page));
        if (slept < 0)
            return slept;
        page->retries++;
        session->stats.retries++;
        r = attempt(session, page);
    }
    if (r < 0) {
        const asyncio_exception_t *e = asyncio_current_exception();
        const char *message = asyncio_exception_message(e);
        bool told = message != NULL && asyncio_exception_code(e) == r;

        snprintf(page->reason, sizeof page->reason, "%s",
                 told ? message : stats_kind(r));
    }
    return r;
}
