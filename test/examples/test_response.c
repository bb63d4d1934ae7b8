/* SPDX-License-Identifier: MIT */
/* fetch/response.c: heads and chunk sizes of servers good and bad. */
#include "behaviour.h"

#include <string.h>
#include <uv.h>

#include "fetch/response.h"

/* Feed a head, whose lines end in \n, line by line. */
static int
parse(const char *head, struct response *response)
{
    int r = 0;

    response_init(response);
    while (r == 0 && *head != '\0') {
        size_t size = strcspn(head, "\n") + 1;
        r = response_line(response, head, size);
        head += size;
    }
    return r < 0 ? r : response_end(response);
}

static void
assert_refused(const char *head)
{
    struct response response;

    assert_r(parse(head, &response), UV_EPROTO);
    response_fini(&response);
}

static void
assert_framing(const char *head, enum framing framing, uint64_t length,
               bool keep_alive)
{
    struct response response;

    assert_ok(parse(head, &response));
    ck_assert_int_eq(response.framing, framing);
    if (framing == BODY_LENGTH)
        ck_assert_uint_eq(response.length, length);
    ck_assert_int_eq(response.keep_alive, keep_alive);
    response_fini(&response);
}

#define OK "HTTP/1.1 200 OK\r\n"

PLAIN(a_status_line_is_taken_apart)
{
    struct response response;

    assert_ok(parse("HTTP/1.0 404 Not Found\r\n", &response));
    ck_assert_int_eq(response.status, 404);
    ck_assert_int_eq(response.minor, 0);
    assert_ok(parse("HTTP/1.1 200\n", &response));
    ck_assert_int_eq(response.status, 200);
}

PLAIN(a_bad_status_line_is_refused)
{
    static const char *const bad[] = {
        "\r\n", "\n", " HTTP/1.1 200 OK\n", "HTTP/2 200 OK\n",
        "HTTP/1.1 20 OK\n", "HTTP/1.1  200 OK\n", "HTTP/1.1 2000 OK\n",
        "HTTP/1.1 20x OK\n", "HTTP/1.1 099 OK\n", "HTTP/1.1 600 OK\n",
        "HTTP/1.x 200 OK\n", "http/1.1 200 OK\n", "ICY 200 OK\n", "HTTP/1.1\n",
        "<html>\n",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(bad[i]);
}

PLAIN(a_length_ends_a_body_and_the_connection_stays)
{
    assert_framing(OK "Content-Length: 5\r\n", BODY_LENGTH, 5, true);
    assert_framing(OK "content-length:5, 5\r\n", BODY_LENGTH, 5, true);
    assert_framing(OK "Content-Length: 5\r\nConnection: x, Close\r\n",
                   BODY_LENGTH, 5, false);
    assert_framing("HTTP/1.0 200 OK\nContent-Length: 5\n", BODY_LENGTH, 5,
                   false);
    assert_framing("HTTP/1.0 200 OK\nContent-Length: 5\n"
                   "Connection: Keep-Alive\n", BODY_LENGTH, 5, true);
}

PLAIN(chunks_end_a_body_and_the_connection_stays)
{
    assert_framing(OK "Transfer-Encoding: Chunked\r\n", BODY_CHUNKED, 0, true);
}

PLAIN(without_either_the_end_of_the_connection_ends_a_body)
{
    assert_framing(OK, BODY_TO_CLOSE, 0, false);
    assert_framing(OK "Connection: keep-alive\r\n", BODY_TO_CLOSE, 0, false);
}

PLAIN(some_responses_have_no_body)
{
    assert_framing("HTTP/1.1 204 No Content\r\n", BODY_LENGTH, 0, true);
    assert_framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n",
                   BODY_LENGTH, 0, true);
}

PLAIN(a_length_beside_chunks_ends_the_connection)
{
    assert_framing(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                   BODY_CHUNKED, 0, false);
}

PLAIN(ambiguous_framing_is_refused)
{
    assert_refused(OK "Content-Length: 5\r\nContent-Length: 6\r\n");
    assert_refused(OK "Content-Length: 5, 6\r\n");
    assert_refused(OK "Content-Length: -5\r\n");
    assert_refused(OK "Content-Length: +5\r\n");
    assert_refused(OK "Content-Length: 0x5\r\n");
    assert_refused(OK "Content-Length:\r\n");
    assert_refused(OK "Content-Length: 9223372036854775808\r\n");
    assert_refused(OK "Content-Length: 18446744073709551617\r\n");
    assert_refused(OK "Transfer-Encoding: gzip, chunked\r\n");
    assert_refused(OK "Transfer-Encoding: chunked\r\n"
                      "Transfer-Encoding: chunked\r\n");
    assert_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n");
}

PLAIN(a_bad_header_line_is_refused)
{
    assert_refused(OK "no colon\r\n");
    assert_refused(OK ": no name\r\n");
    assert_refused(OK "Content-Length : 5\r\n");
    assert_refused(OK "A: b\r\n folded\r\n");
}

PLAIN(a_nul_in_a_head_is_refused)
{
    struct response response;

    response_init(&response);
    assert_ok(response_line(&response, OK, strlen(OK)));
    assert_r(response_line(&response, "A: b\0c\r\n", 8), UV_EPROTO);
}

PLAIN(a_head_without_end_is_refused)
{
    struct response response;
    int r = 0, lines = 0;

    response_init(&response);
    assert_ok(response_line(&response, OK, strlen(OK)));
    for (; r == 0 && lines < 100000; lines++)
        r = response_line(&response, "A: b\r\n", 6);
    assert_r(r, UV_EPROTO);
    ck_assert_int_le(lines, HEAD_LINES_MAX);
}

PLAIN(where_a_redirect_leads_is_kept)
{
    struct response response;

    assert_ok(parse("HTTP/1.1 302 Found\r\nLocation:   /x y \r\n"
                    "Location: /z\r\n", &response));
    ck_assert_str_eq(response.location, "/x y");
    response_fini(&response);
}

PLAIN(when_to_come_back_is_kept_when_it_is_a_number)
{
    struct response response;

    assert_ok(parse("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n", &response));
    ck_assert_double_eq(response.retry_after, 7);
    assert_ok(parse("HTTP/1.1 503 Busy\r\nRetry-After: Fri, 1 Jan\r\n",
                    &response));
    ck_assert_double_eq(response.retry_after, 0);
}

PLAIN(an_empty_line_may_lack_its_carriage_return)
{
    ck_assert(line_is_empty("\r\n", 2));
    ck_assert(line_is_empty("\n", 1));
    ck_assert(!line_is_empty(" \r\n", 3));
    ck_assert(!line_is_empty("\r", 1));
    ck_assert(!line_is_empty("a\n", 2));
}

static void
assert_chunk(const char *line, uint64_t expected)
{
    uint64_t size = 99;

    assert_ok(chunk_size_parse(line, strlen(line), &size));
    ck_assert_uint_eq(size, expected);
}

PLAIN(a_chunk_size_is_hexadecimal)
{
    assert_chunk("0\r\n", 0);
    assert_chunk("1aF\r\n", 0x1af);
    assert_chunk("10 \r\n", 16);
    assert_chunk("5;name=\"value\"\r\n", 5);
    assert_chunk("000000000000000000005\r\n", 5);
    assert_chunk("7fffffffffffffff\r\n", INT64_MAX);
}

PLAIN(a_bad_chunk_size_is_refused)
{
    static const char *const bad[] = {
        "\r\n", "x\r\n", "-1\r\n", "0x5\r\n", "5 5\r\n", ";5\r\n",
        "8000000000000000\r\n", "ffffffffffffffff\r\n",
        "10000000000000000\r\n", "fffffffffffffffffffffffff\r\n",
    };
    uint64_t size = 99;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_r(chunk_size_parse(bad[i], strlen(bad[i]), &size), UV_EPROTO);
    ck_assert_uint_eq(size, 99);
}
