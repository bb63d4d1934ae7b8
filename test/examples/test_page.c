/* SPDX-License-Identifier: MIT */
/* fetch/page.c against a server in the same loop that does what it should not:
 * closes, resets or stalls after any byte, sends nonsense, redirects for ever. */
#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "fetch/page.h"

enum how {
    CLOSE,
    RESET,
    STALL
};

/* What the server does with every request. */
static struct script {
    const char *response;
    size_t size; /* bytes to send of it */
    enum how then;
    bool keep;   /* answer more requests on the connection */
    unsigned answers; /* so many of them, and `then` at the next; 0: all */
    unsigned connections, requests;
} script;

static int
serve(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    unsigned answered = 0;
    asyncio_bytes_t line;
    int r = 0;

    (void) arg;
    script.connections++;
    while ((r = asyncio_stream_reader_next_line(reader, &line)) > 0) {
        if (line.size > 2)
            continue;
        script.requests++;
        if (script.answers > 0 && answered++ == script.answers)
            break;
        r = asyncio_stream_writer_write(writer, script.response, script.size);
        if (r < 0 || !script.keep)
            break;
    }
    if (script.then == STALL && r >= 0)
        r = asyncio_sleep(1e6);
    if (script.then == RESET)
        asyncio_transport_abort(asyncio_stream_writer_transport(writer));
    asyncio_stream_writer_close(writer);
    return r < 0 && !asyncio_failed(r) ? r : 0;
}

static asyncio_server_t *server;
static char url[64];
static struct options options;
static struct session session;

static void
set_up(void)
{
    options = (struct options){
        .timeout = 5, .concurrency = 4, .max_redirects = 3};
    session = (struct session){.options = &options};
    session.pool.idle_max = 4;
    assert_ok(stats_init(&session.stats, 1));
    assert_ok(asyncio_start_server(serve, "127.0.0.1", 0, &server));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x",
             asyncio_server_port(server));
    script = (struct script){.size = 0};
}

static void
tear_down(void)
{
    pool_close(&session.pool);
    stats_fini(&session.stats);
    asyncio_server_close(server);
    asyncio_server_abort_clients(server);
    assert_ok(asyncio_server_wait_closed(server));
    asyncio_server_unref(server);
}

static int
fetch(struct page *page)
{
    *page = (struct page){.text = url};
    return page_fetch(&session, page);
}

static void
answer_with(const char *response, enum how then)
{
    script.response = response;
    script.size = strlen(response);
    script.then = then;
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

BEHAVIOUR(a_page_is_fetched)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", CLOSE);
    assert_r(fetch(&page), 0);
    ck_assert_int_eq(page.status, 200);
    ck_assert_uint_eq(page.bytes, 5);
    tear_down();
}

BEHAVIOUR(a_server_that_closes_after_any_byte_is_an_error)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", CLOSE);
    for (size_t cut = 0; cut < strlen(HEAD "hello"); cut++) {
        script.size = cut;
        assert_r(fetch(&page), ASYNCIO_ERR_INCOMPLETE_READ);
    }
    tear_down();
}

BEHAVIOUR(a_server_that_stalls_after_any_byte_times_out)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", STALL);
    for (size_t cut = 0; cut < strlen(HEAD "hello"); cut++) {
        script.size = cut;
        assert_r(fetch(&page), ASYNCIO_ERR_TIMEOUT);
        ck_assert_double_eq_tol(page.latency, 5, 0.001);
    }
    tear_down();
}

BEHAVIOUR(a_server_that_resets_is_an_error)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", RESET);
    for (size_t cut = 0; cut < strlen(HEAD "hello"); cut++) {
        script.size = cut;
        int r = fetch(&page);
        ck_assert(r == UV_ECONNRESET || r == ASYNCIO_ERR_INCOMPLETE_READ);
    }
    tear_down();
}

BEHAVIOUR(nobody_there_is_an_error)
{
    struct page page;

    set_up();
    asyncio_server_close(server);
    assert_r(fetch(&page), UV_ECONNREFUSED);
    ck_assert_str_ne(page.reason, "");
    tear_down();
}

BEHAVIOUR(nonsense_is_a_bad_response)
{
    static const char *const nonsense[] = {
        "\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    };
    struct page page;

    set_up();
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        answer_with(nonsense[i], STALL);
        assert_r(fetch(&page), UV_EPROTO);
    }
    tear_down();
}

BEHAVIOUR(a_loop_of_redirects_ends)
{
    struct page page;

    set_up();
    answer_with("HTTP/1.1 302 Found\r\nLocation: /x\r\n"
                "Content-Length: 0\r\n\r\n", STALL);
    script.keep = true;
    assert_r(fetch(&page), UV_ELOOP);
    ck_assert_uint_eq(page.redirects, 3);
    ck_assert_uint_eq(script.requests, 4);
    ck_assert_uint_eq(script.connections, 1);
    tear_down();
}

BEHAVIOUR(a_redirect_to_nowhere_is_refused)
{
    struct page page;

    set_up();
    answer_with("HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\n"
                "Content-Length: 0\r\n\r\n", CLOSE);
    assert_r(fetch(&page), UV_EPROTONOSUPPORT);
    answer_with("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
                "Content-Length: 0\r\n\r\n", CLOSE);
    assert_r(fetch(&page), UV_EPROTONOSUPPORT);
    tear_down();
}

BEHAVIOUR(a_busy_server_is_asked_again)
{
    struct page page;

    set_up();
    options.retries = 3;
    answer_with("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"
                "Content-Length: 0\r\n\r\n", STALL);
    script.keep = true;
    double began = asyncio_loop_time(asyncio_get_running_loop());
    assert_r(fetch(&page), ASYNCIO_ERR_FAILED);
    double took = asyncio_loop_time(asyncio_get_running_loop()) - began;
    ck_assert_int_eq(page.status, 503);
    ck_assert_uint_eq(page.retries, 3);
    ck_assert_double_ge(took, 21);
    ck_assert_double_lt(took, 26);
    tear_down();
}

BEHAVIOUR(a_page_that_is_not_there_is_not_asked_for_again)
{
    struct page page;

    set_up();
    options.retries = 3;
    answer_with("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", CLOSE);
    assert_r(fetch(&page), ASYNCIO_ERR_FAILED);
    ck_assert_uint_eq(script.requests, 1);
    tear_down();
}

BEHAVIOUR(a_connection_is_used_again)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", STALL);
    script.keep = true;
    for (int i = 0; i < 5; i++)
        assert_r(fetch(&page), 0);
    ck_assert_uint_eq(script.connections, 1);
    ck_assert_uint_eq(session.pool.reused, 4);
    tear_down();
}

BEHAVIOUR(a_connection_that_was_closed_meanwhile_is_replaced)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", CLOSE);
    for (int i = 0; i < 5; i++)
        assert_r(fetch(&page), 0);
    ck_assert_uint_eq(script.connections, 5);
    tear_down();
}

BEHAVIOUR(a_request_that_meets_a_closing_connection_is_sent_again)
{
    struct page page;

    set_up();
    answer_with(HEAD "hello", CLOSE);
    script.keep = true;
    script.answers = 1;
    for (int i = 0; i < 5; i++)
        assert_r(fetch(&page), 0);
    ck_assert_uint_eq(script.connections, 5);
    ck_assert_uint_eq(script.requests, 9);
    tear_down();
}

BEHAVIOUR(a_page_that_is_too_large_is_given_up)
{
    struct page page;

    set_up();
    options.max_size = 4;
    answer_with(HEAD "hello", STALL);
    assert_r(fetch(&page), UV_EFBIG);
    tear_down();
}

struct fetching {
    int unused;
};

static int
fetching(void *arg)
{
    struct page page;

    (void) arg;
    return fetch(&page);
}

BEHAVIOUR(a_cancelled_page_leaves_nothing_behind)
{
    set_up();
    answer_with(HEAD "hel", STALL);
    options.retries = 2;
    for (int steps = 0; steps < 12; steps++) {
        asyncio_task_t *task =
            asyncio_create_task(asyncio_coro(fetching, .unused = 0));
        for (int i = 0; i < steps; i++)
            assert_ok(asyncio_sleep(0));
        asyncio_task_cancel(task);
        assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
        asyncio_task_unref(task);
    }
    tear_down();
}

SCENARIO(a_page_is_fetched_or_fails_without_memory)
{
    struct page page = {.text = url};
    struct options few = {.timeout = 5};
    struct session alone = {.options = &few, .pool = {.idle_max = 1}};
    asyncio_server_t *listening;

    answer_with(HEAD "hello", CLOSE);
    script.keep = false;
    int r = asyncio_start_server(serve, "127.0.0.1", 0, &listening);
    if (r < 0)
        return r;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x",
             asyncio_server_port(listening));
    r = page_fetch(&alone, &page);
    pool_close(&alone.pool);
    asyncio_server_close(listening);
    asyncio_server_abort_clients(listening);
    int closed = asyncio_server_wait_closed(listening);
    asyncio_server_unref(listening);
    /* The server may be the one without memory, and drop us. */
    if (r == ASYNCIO_ERR_INCOMPLETE_READ || r == UV_ECONNRESET
        || r == ASYNCIO_ERR_TIMEOUT)
        return UV_ENOMEM;
    return r < 0 ? r : closed;
}
