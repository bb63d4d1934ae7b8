/* SPDX-License-Identifier: MIT */
/* A client over streams against a real redis-server, whose port redis.py says
 * in REDIS_PORT. The clock is the real one: redis knows no other. */
#include "behaviour.h"
#include "resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static void
assert_text(struct resp_reply reply, const char *text)
{
    ck_assert_uint_eq(reply.text.size, strlen(text));
    ck_assert_mem_eq(reply.text.data, text, strlen(text));
}

/* A test's body in a task under the real clock. */
#define REDIS(name)                                              \
    static int name##_in_task(void *arg);                        \
    PLAIN(name, .timeout = 60)                                   \
    {                                                            \
        assert_r(asyncio_run(asyncio_coro(name##_in_task)), 0);  \
    }                                                            \
    static int name##_in_task(void *arg __attribute__((unused)))

static struct resp
connection(void)
{
    const char *port = getenv("REDIS_PORT");
    struct resp resp;

    ck_assert_ptr_nonnull(port);
    assert_r(resp_connect(&resp, atoi(port)), 0);
    return resp;
}

static struct resp_reply
reply_of(struct resp *resp)
{
    struct resp_reply reply;

    assert_r(resp_reply(resp, &reply), 0);
    return reply;
}

REDIS(a_value_that_was_set_is_the_value_that_is_got)
{
    static const char value[] = "\r\n$5\r\n\0\xff+OK";
    asyncio_bytes_t set[] = {
        {"SET", 3}, {"key", 3}, {value, sizeof value}};
    struct resp resp = connection();

    assert_r(resp_send(&resp, set, 3), 0);
    assert_text(reply_of(&resp), "OK");
    assert_r(resp_command(&resp, "GET", "key", NULL), 0);
    struct resp_reply reply = reply_of(&resp);
    ck_assert_int_eq(reply.type, '$');
    ck_assert_uint_eq(reply.text.size, sizeof value);
    ck_assert_mem_eq(reply.text.data, value, sizeof value);
    assert_r(resp_command(&resp, "GET", "no such key", NULL), 0);
    ck_assert_int_eq(reply_of(&resp).type, '_');
    resp_close(&resp);
    return 0;
}

REDIS(an_error_is_a_reply_and_the_connection_goes_on)
{
    struct resp resp = connection();

    assert_r(resp_command(&resp, "NONSENSE", NULL), 0);
    assert_r(resp_command(&resp, "PING", NULL), 0);
    ck_assert_int_eq(reply_of(&resp).type, '-');
    assert_text(reply_of(&resp), "PONG");
    resp_close(&resp);
    return 0;
}

struct pipelining {
    struct resp *resp;
    const char *key;
    int count;
};

static int
pipelining(void *frame)
{
    struct pipelining *self = frame;

    for (int i = 0; i < self->count; i++) {
        int r = resp_command(self->resp, "INCR", self->key, NULL);
        if (r >= 0 && i % 100 == 0)
            r = asyncio_stream_writer_drain(self->resp->writer);
        if (r < 0)
            return r;
    }
    return 0;
}

REDIS(ten_thousand_pipelined_commands_are_answered_in_order)
{
    struct resp resp = connection();
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        pipelining, .resp = &resp, .key = "pipeline", .count = 10000));

    for (int i = 1; i <= 10000; i++) {
        struct resp_reply reply = reply_of(&resp);
        ck_assert_int_eq(reply.type, ':');
        ck_assert_int_eq(reply.number, i);
    }
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    resp_close(&resp);
    return 0;
}

struct counting {
    int count;
};

static int
counting(void *frame)
{
    struct counting *self = frame;
    struct resp resp = connection();

    for (int i = 0; i < self->count; i++) {
        assert_r(resp_command(&resp, "INCR", "shared", NULL), 0);
        ck_assert_int_eq(reply_of(&resp).type, ':');
    }
    resp_close(&resp);
    return 0;
}

REDIS(fifty_connections_at_once_lose_no_increment)
{
    asyncio_task_t *tasks[50];
    struct resp resp = connection();

    for (int i = 0; i < 50; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(counting, .count = 40));
    assert_r(asyncio_gather(tasks, 50), 0);
    asyncio_future_unref_array(tasks, 50);
    assert_r(resp_command(&resp, "GET", "shared", NULL), 0);
    assert_text(reply_of(&resp), "2000");
    resp_close(&resp);
    return 0;
}

struct publishing {
    int count;
};

static int
publishing(void *frame)
{
    struct publishing *self = frame;
    struct resp resp = connection();
    char text[32];

    for (int i = 0; i < self->count; i++) {
        snprintf(text, sizeof text, "message %d", i);
        assert_r(resp_command(&resp, "PUBLISH", "news", text, NULL), 0);
    }
    for (int i = 0; i < self->count; i++)
        ck_assert_int_eq(reply_of(&resp).number, 1);
    resp_close(&resp);
    return 0;
}

REDIS(messages_reach_their_subscriber_in_order)
{
    struct resp resp = connection();
    char text[32];

    assert_r(resp_command(&resp, "SUBSCRIBE", "news", NULL), 0);
    ck_assert_int_eq(reply_of(&resp).number, 3);
    assert_text(reply_of(&resp), "subscribe");
    assert_text(reply_of(&resp), "news");
    ck_assert_int_eq(reply_of(&resp).number, 1);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(publishing, .count = 1000));
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "message %d", i);
        ck_assert_int_eq(reply_of(&resp).number, 3);
        assert_text(reply_of(&resp), "message");
        assert_text(reply_of(&resp), "news");
        assert_text(reply_of(&resp), text);
    }
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    resp_close(&resp);
    return 0;
}

REDIS(a_value_of_32_mib_comes_back_whole)
{
    size_t size = 32 << 20;
    char *value = malloc(size);
    struct resp resp = connection();

    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < size; i++)
        value[i] = (char) (i * 31 ^ i >> 9);
    asyncio_bytes_t set[] = {{"SET", 3}, {"large", 5}, {value, size}};
    assert_r(resp_send(&resp, set, 3), 0);
    assert_r(asyncio_stream_writer_drain(resp.writer), 0);
    assert_text(reply_of(&resp), "OK");
    assert_r(resp_command(&resp, "GET", "large", NULL), 0);
    struct resp_reply reply = reply_of(&resp);
    ck_assert_uint_eq(reply.text.size, size);
    ck_assert(memcmp(reply.text.data, value, size) == 0);
    free(value);
    resp_close(&resp);
    return 0;
}

/* A reply that comes after its reader has gone is there for the next one. */
REDIS(a_blocking_pop_ends_at_its_timeout_and_loses_nothing)
{
    struct resp resp = connection(), other = connection();
    asyncio_timeout_t timeout;
    struct resp_reply reply;

    assert_r(resp_command(&resp, "BLPOP", "list", "0", NULL), 0);
    asyncio_timeout_enter(asyncio_timeout(&timeout, 0.05));
    assert_r(asyncio_timeout_exit(&timeout, resp_reply(&resp, &reply)),
             ASYNCIO_ERR_TIMEOUT);
    assert_r(resp_command(&other, "RPUSH", "list", "late", NULL), 0);
    ck_assert_int_eq(reply_of(&other).number, 1);
    ck_assert_int_eq(reply_of(&resp).number, 2);
    assert_text(reply_of(&resp), "list");
    assert_text(reply_of(&resp), "late");
    resp_close(&other);
    resp_close(&resp);
    return 0;
}

/* Redis forgets a client that has gone: the value is for somebody else. */
REDIS(a_blocking_pop_whose_connection_was_aborted_takes_nothing)
{
    struct resp resp = connection(), other = connection();
    asyncio_timeout_t timeout;
    struct resp_reply reply;

    assert_r(resp_command(&resp, "BLPOP", "queue", "0", NULL), 0);
    asyncio_timeout_enter(asyncio_timeout(&timeout, 0.05));
    assert_r(asyncio_timeout_exit(&timeout, resp_reply(&resp, &reply)),
             ASYNCIO_ERR_TIMEOUT);
    asyncio_transport_abort(asyncio_stream_writer_transport(resp.writer));
    resp_close(&resp);
    do {
        assert_r(resp_command(&other, "CLIENT", "LIST", NULL), 0);
        reply = reply_of(&other);
    } while (memmem(reply.text.data, reply.text.size, "cmd=blpop", 9) != NULL);
    assert_r(resp_command(&other, "RPUSH", "queue", "kept", NULL), 0);
    ck_assert_int_eq(reply_of(&other).number, 1);
    assert_r(resp_command(&other, "LPOP", "queue", NULL), 0);
    assert_text(reply_of(&other), "kept");
    resp_close(&other);
    return 0;
}
