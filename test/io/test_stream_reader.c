/* SPDX-License-Identifier: MIT */
/* A StreamReader that is fed by hand: reads, separators, limits, errors. */
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
feed(asyncio_stream_reader_t *reader, const char *data)
{
    assert_r(asyncio_stream_reader_feed_data(reader, data, strlen(data)), 0);
}

static bool
is(asyncio_bytes_t view, const char *text)
{
    return view.size == strlen(text)
        && memcmp(view.data, text, view.size) == 0;
}

static void
assert_rest(asyncio_stream_reader_t *reader, const char *text)
{
    asyncio_bytes_t view;

    asyncio_stream_reader_feed_eof(reader);
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &view),
             0);
    ck_assert(is(view, text));
    asyncio_stream_reader_unref(reader);
}

/* parity: test_streams.py StreamTests test_feed_empty_data */
BEHAVIOUR(feeding_nothing_changes_nothing)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");

    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_feed_nonempty_data */
BEHAVIOUR(what_is_fed_can_be_read)
{
    assert_rest(reader_with(0, "some data"), "some data");
}

struct feeding {
    asyncio_stream_reader_t *reader;
    const char *data;
};

static int
feeding(void *frame)
{
    struct feeding *self = frame;

    if (self->data == NULL) {
        asyncio_stream_reader_feed_eof(self->reader);
        return 0;
    }
    return asyncio_stream_reader_feed_data(self->reader, self->data,
                                           strlen(self->data));
}

static void
feed_later(asyncio_stream_reader_t *reader, const char *data)
{
    asyncio_future_unref(asyncio_create_task(
        asyncio_coro(feeding, .reader = reader, .data = data)));
}

/* parity: test_streams.py StreamTests test_read */
BEHAVIOUR(a_read_returns_what_is_there_not_what_was_asked_for)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");
    char buffer[30];

    feed_later(reader, "line1\n");
    ck_assert_int_eq(
        asyncio_stream_reader_read(reader, buffer, sizeof buffer), 6);
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_read_eof */
BEHAVIOUR(a_read_at_the_end_of_file_is_empty)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");
    char buffer[1024];

    feed_later(reader, NULL);
    ck_assert_int_eq(
        asyncio_stream_reader_read(reader, buffer, sizeof buffer), 0);
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_read_until_eof */
BEHAVIOUR(reading_all_collects_until_the_end)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");
    asyncio_bytes_t view;

    feed_later(reader, "chunk1\n");
    feed_later(reader, "chunk2");
    feed_later(reader, NULL);
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &view),
             0);
    ck_assert(is(view, "chunk1\nchunk2"));
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_read_limit */
BEHAVIOUR(the_limit_does_not_restrict_read)
{
    asyncio_stream_reader_t *reader = reader_with(3, "chunk");
    char buffer[5];

    ck_assert_int_eq(asyncio_stream_reader_read(reader, buffer, 5), 5);
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_at_eof */
BEHAVIOUR(at_eof_only_when_everything_was_read)
{
    asyncio_stream_reader_t *reader = reader_with(0, "some data\n");
    char line[32];

    ck_assert(!asyncio_stream_reader_at_eof(reader));
    ck_assert_int_eq(asyncio_stream_reader_readline(reader, line, 32), 10);
    ck_assert(!asyncio_stream_reader_at_eof(reader));
    feed(reader, "more");
    asyncio_stream_reader_feed_eof(reader);
    ck_assert(!asyncio_stream_reader_at_eof(reader));
    ck_assert_int_eq(asyncio_stream_reader_readline(reader, line, 32), 4);
    ck_assert(asyncio_stream_reader_at_eof(reader));
    asyncio_stream_reader_unref(reader);
}

/* parity: test_streams.py StreamTests test_readline_limit_with_existing_data */
BEHAVIOUR(a_line_above_the_limit_is_dropped)
{
    asyncio_stream_reader_t *reader = reader_with(3, "li");
    asyncio_bytes_t line;

    feed(reader, "ne1\nline2\n");
    assert_r(asyncio_stream_reader_readline_view(reader, &line),
             ASYNCIO_ERR_VALUE);
    assert_rest(reader, "line2\n");
    reader = reader_with(3, "line without end");
    assert_r(asyncio_stream_reader_readline_view(reader, &line),
             ASYNCIO_ERR_VALUE);
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_readline_limit */
BEHAVIOUR(the_newline_does_not_count_for_the_limit)
{
    asyncio_stream_reader_t *reader = reader_with(7, "1234567\n12345678\nx\n");
    asyncio_bytes_t line;

    assert_r(asyncio_stream_reader_readline_view(reader, &line), 0);
    ck_assert(is(line, "1234567\n"));
    assert_r(asyncio_stream_reader_readline_view(reader, &line),
             ASYNCIO_ERR_VALUE);
    assert_rest(reader, "x\n");
}

/* parity: test_streams.py StreamTests test_readline_eof */
/* parity: test_streams.py StreamTests test_readline_empty_eof */
/* parity: test_pep492.py StreamReaderTests test_readline */
BEHAVIOUR(the_last_line_may_lack_its_newline)
{
    asyncio_stream_reader_t *reader = reader_with(0, "line1\npartial");
    asyncio_bytes_t line;

    asyncio_stream_reader_feed_eof(reader);
    assert_r(asyncio_stream_reader_next_line(reader, &line), 1);
    ck_assert(is(line, "line1\n"));
    assert_r(asyncio_stream_reader_next_line(reader, &line), 1);
    ck_assert(is(line, "partial"));
    assert_r(asyncio_stream_reader_next_line(reader, &line), 0);
    asyncio_stream_reader_unref(reader);
}

/* parity: test_streams.py StreamTests test_readline_read_byte_count */
/* parity: test_streams.py StreamTests test_readline_nolimit_nowait */
BEHAVIOUR(reads_of_different_kinds_continue_each_other)
{
    asyncio_stream_reader_t *reader =
        reader_with(0, "line1\nline2\nline3\n");
    char buffer[32];

    ck_assert_int_eq(asyncio_stream_reader_readline(reader, buffer, 32), 6);
    ck_assert_int_eq(asyncio_stream_reader_read(reader, buffer, 7), 7);
    ck_assert_mem_eq(buffer, "line2\nl", 7);
    assert_rest(reader, "ine3\n");
}

/* parity: test_streams.py StreamTests test_readuntil_separator */
BEHAVIOUR(an_empty_separator_is_an_error)
{
    const asyncio_bytes_t none[] = {{"x", 1}, {"", 0}};
    asyncio_stream_reader_t *reader = reader_with(0, "data");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(reader, "", &view),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_stream_reader_readuntil_view(reader, NULL, &view,
                                                  .separators = none,
                                                  .separator_count = 0),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_stream_reader_readuntil_view(reader, NULL, &view,
                                                  .separators = none,
                                                  .separator_count = 2),
             ASYNCIO_ERR_VALUE);
    assert_rest(reader, "data");
}

/* parity: test_streams.py StreamTests test_readuntil_multi_chunks_1 */
/* parity: test_streams.py StreamTests test_readuntil_multi_chunks */
BEHAVIOUR(a_separator_may_come_in_pieces_after_false_starts)
{
    asyncio_stream_reader_t *reader = reader_with(0, "QWEaa");
    char buffer[32];

    feed_later(reader, "XYaa");
    feed_later(reader, "a!");
    ck_assert_int_eq(
        asyncio_stream_reader_readuntil(reader, "aaa", buffer, 32), 10);
    ck_assert_str_eq(buffer, "QWEaaXYaaa");
    assert_rest(reader, "!");
}

/* parity: test_streams.py StreamTests test_readuntil_eof */
BEHAVIOUR(the_end_before_the_separator_gives_what_there_was)
{
    asyncio_stream_reader_t *reader = reader_with(0, "some dataAA");
    asyncio_bytes_t view;
    size_t size;

    asyncio_stream_reader_feed_eof(reader);
    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view),
             ASYNCIO_ERR_INCOMPLETE_READ);
    const asyncio_exception_t *e = asyncio_current_exception();
    const char *partial = asyncio_error_partial(e, &size);
    ck_assert(is((asyncio_bytes_t){partial, size}, "some dataAA"));
    ck_assert_int_eq(asyncio_error_expected(e), -1);
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_readuntil_limit_found_sep */
BEHAVIOUR(over_the_limit_nothing_is_consumed)
{
    asyncio_stream_reader_t *reader = reader_with(3, "some dataAA");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view),
             ASYNCIO_ERR_LIMIT_OVERRUN);
    ck_assert_ptr_nonnull(
        strstr(asyncio_exception_message(asyncio_current_exception()),
               "not found"));
    ck_assert_uint_eq(asyncio_error_consumed(asyncio_current_exception()), 9);
    feed(reader, "A");
    assert_r(asyncio_stream_reader_readuntil_view(reader, "AAA", &view),
             ASYNCIO_ERR_LIMIT_OVERRUN);
    ck_assert_ptr_nonnull(
        strstr(asyncio_exception_message(asyncio_current_exception()),
               "is found"));
    assert_rest(reader, "some dataAAA");
}

/* parity: test_streams.py StreamTests test_readuntil_multi_separator */
BEHAVIOUR(of_several_separators_the_match_that_ends_first_counts)
{
    const asyncio_bytes_t lines[] = {{"\r", 1}, {"\n", 1}};
    const asyncio_bytes_t words[] = {{"DEF", 3}, {"BCDE", 4}};
    asyncio_stream_reader_t *reader = reader_with(0, "line\nsome\rABCDEFG");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readuntil_view(
                 reader, NULL, &view, .separators = lines,
                 .separator_count = 2),
             0);
    ck_assert(is(view, "line\n"));
    assert_r(asyncio_stream_reader_readuntil_view(
                 reader, NULL, &view, .separators = lines,
                 .separator_count = 2),
             0);
    ck_assert(is(view, "some\r"));
    assert_r(asyncio_stream_reader_readuntil_view(
                 reader, NULL, &view, .separators = words,
                 .separator_count = 2),
             0);
    ck_assert(is(view, "ABCDE"));
    assert_rest(reader, "FG");
}

/* parity: test_streams.py StreamTests test_readexactly_zero_or_less */
BEHAVIOUR(exactly_nothing_is_nothing)
{
    asyncio_stream_reader_t *reader = reader_with(0, "data");
    char byte;

    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, &byte, 0), 0);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, &byte,
                                                       SIZE_MAX),
                     ASYNCIO_ERR_VALUE);
    assert_rest(reader, "data");
}

/* parity: test_streams.py StreamTests test_readexactly */
/* parity: test_streams.py StreamTests test_readexactly_limit */
BEHAVIOUR(exactly_waits_for_all_of_it)
{
    asyncio_stream_reader_t *reader = reader_with(3, "abc");
    char buffer[8];

    feed_later(reader, "def");
    feed_later(reader, "ghi");
    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, buffer, 8), 8);
    ck_assert_mem_eq(buffer, "abcdefgh", 8);
    assert_rest(reader, "i");
}

/* parity: test_streams.py StreamTests test_readexactly_eof */
BEHAVIOUR(exactly_at_the_end_of_file_tells_how_much_is_missing)
{
    asyncio_stream_reader_t *reader = reader_with(0, "abc");
    char buffer[8];
    size_t size;

    asyncio_stream_reader_feed_eof(reader);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, buffer, 8),
                     ASYNCIO_ERR_INCOMPLETE_READ);
    const asyncio_exception_t *e = asyncio_current_exception();
    ck_assert_str_eq(asyncio_exception_message(e),
                     "3 bytes read on a total of 8 expected bytes");
    ck_assert_int_eq(asyncio_error_expected(e), 8);
    (void) asyncio_error_partial(e, &size);
    ck_assert_uint_eq(size, 3);
    assert_rest(reader, "");
}

/* parity: test_streams.py StreamTests test_exception */
BEHAVIOUR(a_reader_keeps_its_exception)
{
    asyncio_stream_reader_t *reader = reader_with(0, "data");
    char byte;

    ck_assert_ptr_null(asyncio_stream_reader_exception(reader));
    asyncio_stream_reader_set_exception(reader, UV_EIO);
    ck_assert_int_eq(asyncio_exception_code(
                         asyncio_stream_reader_exception(reader)),
                     UV_EIO);
    ck_assert_int_eq(asyncio_stream_reader_read(reader, &byte, 1), UV_EIO);
    asyncio_stream_reader_unref(reader);
}

struct line {
    asyncio_stream_reader_t *reader;
};

static int
line(void *frame)
{
    struct line *self = frame;
    asyncio_bytes_t view;

    return asyncio_stream_reader_readline_view(self->reader, &view);
}

/* parity: test_streams.py StreamTests test_exception_waiter */
BEHAVIOUR(an_exception_wakes_who_reads)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(line, .reader = reader));

    assert_r(asyncio_sleep(0), 0);
    asyncio_stream_reader_set_exception(reader, UV_EIO);
    assert_r(asyncio_await(task), UV_EIO);
    asyncio_future_unref(task);
    asyncio_stream_reader_unref(reader);
}

/* parity: test_streams.py StreamTests test_exception_cancel */
BEHAVIOUR(a_cancelled_read_leaves_nothing_behind)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(line, .reader = reader));

    assert_r(asyncio_sleep(0), 0);
    asyncio_future_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    asyncio_stream_reader_set_exception(reader, UV_EIO);
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(only_one_task_may_read)
{
    asyncio_stream_reader_t *reader = reader_with(0, "");
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(line, .reader = reader));
    char byte;

    assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_stream_reader_read(reader, &byte, 1),
                     ASYNCIO_ERR_RUNTIME);
    feed(reader, "\n");
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(a_view_stays_while_more_comes)
{
    asyncio_stream_reader_t *reader = reader_with(0, "first\nrest");
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readline_view(reader, &view), 0);
    for (int i = 0; i < 3000; i++)
        feed(reader, "0123456789");
    ck_assert(is(view, "first\n"));
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(what_does_not_fit_is_not_consumed)
{
    asyncio_stream_reader_t *reader = reader_with(0, "12345\n");
    char small[6];

    ck_assert_int_eq(asyncio_stream_reader_readline(reader, small, 6),
                     UV_ENOBUFS);
    assert_rest(reader, "12345\n");
}
