/* SPDX-License-Identifier: MIT */
/* Separators: several at once, of any bytes, in pieces; the limit and what
 * its error says. */
#include "behaviour.h"

#include <asyncio.h>
#include <string.h>
#include <uv.h>

static asyncio_stream_reader_t *
reader_with(size_t limit, const char *data)
{
    asyncio_stream_reader_t *reader;

    assert_r(asyncio_stream_reader_new(limit, &reader), 0);
    assert_r(asyncio_stream_reader_feed_data(reader, data, strlen(data)), 0);
    return reader;
}

static void
assert_view(asyncio_bytes_t view, const char *text)
{
    ck_assert_uint_eq(view.size, strlen(text));
    ck_assert_mem_eq(view.data, text, view.size);
}

static void
assert_rest(asyncio_stream_reader_t *reader, const char *text)
{
    asyncio_bytes_t view;

    asyncio_stream_reader_feed_eof(reader);
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &view),
             0);
    assert_view(view, text);
    asyncio_stream_reader_unref(reader);
}

struct feeding {
    asyncio_stream_reader_t *reader;
    const char *data;
};

static int
feeding(void *frame)
{
    struct feeding *self = frame;

    return asyncio_stream_reader_feed_data(self->reader, self->data,
                                           strlen(self->data));
}

static void
feed_later(asyncio_stream_reader_t *reader, const char *data)
{
    asyncio_future_unref(asyncio_create_task(
        asyncio_coro(feeding, .reader = reader, .data = data)));
}

static void
assert_overrun(const char *message, size_t consumed)
{
    const asyncio_exception_t *e = asyncio_current_exception();

    ck_assert_str_eq(asyncio_exception_message(e), message);
    ck_assert_uint_eq(asyncio_error_consumed(e), consumed);
}

#define FOUND "Separator is found, but chunk is longer than limit"
#define NOT_FOUND "Separator is not found, and chunk exceed the limit"

/* parity: test_streams.py StreamTests test_readuntil_multi_separator_limit */
BEHAVIOUR(the_limit_counts_up_to_the_shortest_of_the_matches_that_end_first)
{
    /* Both end behind the A; the long one would begin within the limit. */
    const asyncio_bytes_t separators[] = {{"ome dataA", 9}, {"A", 1}};
    asyncio_stream_reader_t *reader = reader_with(3, "some dataA");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(
                 reader, NULL, &view, .separators = separators,
                 .separator_count = 2),
             ASYNCIO_ERR_LIMIT_OVERRUN);
    assert_overrun(FOUND, 9);
    assert_rest(reader, "some dataA");
}

/* parity: test_streams.py StreamTests test_readuntil_multi_separator_negative_offset */
BEHAVIOUR(a_separator_longer_than_what_is_there_does_no_harm)
{
    const asyncio_bytes_t separators[] = {{"A", 1}, {"long sep", 8}};
    asyncio_stream_reader_t *reader = reader_with(0, "data");
    asyncio_bytes_t view;

    feed_later(reader, "Z");
    feed_later(reader, "Aaaa");
    assert_r(asyncio_stream_reader_readuntil_view(
                 reader, NULL, &view, .separators = separators,
                 .separator_count = 2),
             0);
    assert_view(view, "dataZA");
    assert_rest(reader, "aaa");
}

/* parity: test_streams.py StreamTests test_readuntil_bytearray */
/* The beginning of one is not the one. Eight bytes and more are looked for in
 * another way. */
BEHAVIOUR(a_separator_that_begins_like_what_is_before_it_is_found, .times = 3)
{
    static const char *const separators[] = {"\r\n\r\n", "aab", "aaaaaaaaab"};
    static const char *const data[] = {"x\r\r\n\r\r\n\r\n\r\nrest",
                                       "aaaaaaaaabrest", "aaaaaaaaaaabrest"};
    static const size_t sizes[] = {9, 10, 12};
    asyncio_stream_reader_t *reader = reader_with(0, data[_i]);
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(reader, separators[_i],
                                                  &view),
             0);
    ck_assert_uint_eq(view.size, sizes[_i]);
    ck_assert_mem_eq(view.data, data[_i], view.size);
    assert_rest(reader, data[_i] + sizes[_i]);
}

BEHAVIOUR(a_separator_may_be_bytes_in_memory_that_changes)
{
    asyncio_stream_reader_t *reader = reader_with(0, "some data\r\nmore");
    char separator[2] = {'\r', '\n'}; /* no string */
    char buffer[32];

    ck_assert_int_eq(asyncio_stream_reader_readuntil(reader, separator, buffer,
                                                     sizeof buffer,
                                                     .separator_size = 2),
                     11);
    ck_assert_str_eq(buffer, "some data\r\n");
    memset(separator, 'x', sizeof separator);
    assert_rest(reader, "more");
}

BEHAVIOUR(a_separator_may_contain_nul)
{
    asyncio_stream_reader_t *reader;
    char buffer[32];

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(asyncio_stream_reader_feed_data(reader, "a\0b\0\0c", 6), 0);
    ck_assert_int_eq(asyncio_stream_reader_readuntil(reader, "\0\0", buffer,
                                                     sizeof buffer,
                                                     .separator_size = 2),
                     5);
    ck_assert_mem_eq(buffer, "a\0b\0\0", 6);
    assert_rest(reader, "c");
}

BEHAVIOUR(without_a_separator_it_is_a_newline)
{
    asyncio_stream_reader_t *reader = reader_with(0, "line\nrest");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(reader, NULL, &view), 0);
    assert_view(view, "line\n");
    assert_rest(reader, "rest");
}

/* The start of a separator that might come is not to be skipped. */
BEHAVIOUR(what_may_be_skipped_leaves_the_start_of_a_separator)
{
    asyncio_stream_reader_t *reader = reader_with(4, "123456AA");
    asyncio_bytes_t view;
    char skipped[8];

    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view),
             ASYNCIO_ERR_LIMIT_OVERRUN);
    assert_overrun(NOT_FOUND, 6);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, skipped, 6), 6);
    feed_later(reader, "A!");
    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view), 0);
    assert_view(view, "AAA");
    assert_rest(reader, "!");
}

BEHAVIOUR(a_chunk_of_exactly_the_limit_passes)
{
    asyncio_stream_reader_t *reader = reader_with(4, "1234AAA");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view), 0);
    assert_view(view, "1234AAA");
    assert_r(asyncio_stream_reader_feed_data(reader, "12345AAA", 8), 0);
    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view),
             ASYNCIO_ERR_LIMIT_OVERRUN);
    assert_overrun(FOUND, 5);
    assert_rest(reader, "12345AAA");
}

/* Every way to cut the same bytes in two gives the same. */
BEHAVIOUR(it_does_not_matter_where_the_bytes_are_cut, .times = 11)
{
    static const char text[] = "abcdAAB-end";
    asyncio_stream_reader_t *reader;
    asyncio_bytes_t view;
    const asyncio_bytes_t separators[] = {{"AAB", 3}, {"-", 1}, {"dAAA", 4}};

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(asyncio_stream_reader_feed_data(reader, text, (size_t) _i), 0);
    feed_later(reader, text + _i);
    assert_r(asyncio_stream_reader_readuntil_view(
                 reader, NULL, &view, .separators = separators,
                 .separator_count = 3),
             0);
    assert_view(view, "abcdAAB");
    assert_r(asyncio_sleep(0), 0);
    assert_rest(reader, "-end");
}

BEHAVIOUR(the_size_of_no_separator_is_that_of_a_newline)
{
    asyncio_stream_reader_t *reader = reader_with(0, "hello\nworld\n");
    char text[64];

    assert_r((int) asyncio_stream_reader_readuntil(reader, NULL, text,
                                                   sizeof text,
                                                   .separator_size = 6),
             6);
    ck_assert_str_eq(text, "hello\n");
    asyncio_stream_reader_unref(reader);
}

struct waiting {
    asyncio_stream_reader_t *reader;
    bool line;
};

static int
waiting(void *frame)
{
    struct waiting *self = frame;
    char text[64];

    return (int) (self->line
                      ? asyncio_stream_reader_readline(self->reader, text,
                                                       sizeof text)
                      : asyncio_stream_reader_readuntil(self->reader, "ab",
                                                        text, sizeof text));
}

BEHAVIOUR(a_reader_that_is_dropped_meanwhile_is_closed, .times = 2)
{
    asyncio_stream_reader_t *reader = reader_with(0, "x");
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(waiting, .reader = reader, .line = _i == 0));

    assert_r(asyncio_sleep(0), 0);
    asyncio_stream_reader_feed_eof(reader);
    asyncio_stream_reader_unref(reader);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CLOSED);
    asyncio_task_unref(task);
}
