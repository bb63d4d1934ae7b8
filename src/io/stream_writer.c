/* SPDX-License-Identifier: MIT */
/*
 * StreamWriter: the writing side of a stream, for tasks.
 *
 * Writing goes straight to the transport. drain() waits only while the
 * protocol is paused, and looks for errors before that.
 *
 * Python counterpart: asyncio.StreamWriter.
 */
#include "asyncio/tasks.h"
#include "base/block.h"
#include "io/stream.h"
#include "loop/report.h"

int
asyncio_stream_writer_new(asyncio_transport_t *transport,
                          asyncio_protocol_t *protocol,
                          asyncio_stream_reader_t *reader,
                          asyncio_stream_writer_t **ret_writer)
{
    struct aio__stream_protocol *ours = aio__stream_protocol_of(protocol);
    asyncio_stream_writer_t *writer;

    if (ours == NULL)
        return UV_EINVAL;
    writer = aio__block_alloc(sizeof *writer);
    if (writer == NULL)
        return UV_ENOMEM;
    writer->refs = 1;
    writer->transport = asyncio_transport_ref(transport);
    writer->protocol = ours;
    ours->refs++;
    writer->reader = asyncio_stream_reader_ref(reader);
    *ret_writer = writer;
    return 0;
}

asyncio_stream_writer_t *
asyncio_stream_writer_ref(asyncio_stream_writer_t *writer)
{
    if (writer != NULL)
        writer->refs++;
    return writer;
}

static void
warn_unclosed(asyncio_transport_t *transport)
{
    const int *fd = asyncio_transport_get_extra_info(transport, "socket");

    if (fd == NULL)
        fd = asyncio_transport_get_extra_info(transport, "pipe");
    aio__log(ASYNCIO_LOG_WARNING,
             "unclosed <StreamWriter transport=<%s fd=%d>>",
             transport->type->name, fd != NULL ? *fd : -1);
}

asyncio_stream_writer_t *
asyncio_stream_writer_unref(asyncio_stream_writer_t *writer)
{
    if (writer == NULL || --writer->refs > 0)
        return NULL;
    if (writer->transport->left_open)
        aio__log(ASYNCIO_LOG_WARNING, "loop is closed");
    if (!asyncio_transport_is_closing(writer->transport)
        && writer->protocol->loop->forks == aio__forks) {
        warn_unclosed(writer->transport);
        asyncio_transport_close(writer->transport);
    }
    asyncio_transport_unref(writer->transport);
    aio__stream_protocol_unref(writer->protocol);
    asyncio_stream_reader_unref(writer->reader);
    aio__block_free(writer, sizeof *writer);
    return NULL;
}

int
asyncio_stream_writer_write(asyncio_stream_writer_t *writer, const void *data,
                            size_t size)
{
    return asyncio_transport_write(writer->transport, data, size);
}

int
asyncio_stream_writer_writelines(asyncio_stream_writer_t *writer,
                                 const asyncio_bytes_t *buffers, size_t count)
{
    return asyncio_transport_writelines(writer->transport, buffers, count);
}

/* Wait in a list of the protocol. */
static int
wait_in(struct aio__stream_protocol *protocol, struct aio__list *list)
{
    struct aio__waiter waiter;
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (loop != protocol->loop)
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                                "the stream is attached to a different loop");
    protocol->refs++;
    aio__waiter_init(&waiter, loop, NULL);
    aio__list_push_back(list, &waiter.link);
    r = aio__wait(&waiter);
    aio__list_remove(&waiter.link);
    aio__stream_protocol_unref(protocol);
    return r;
}

static __attribute__((noinline)) int
drain_slowly(asyncio_stream_writer_t *writer)
{
    struct aio__stream_protocol *protocol = writer->protocol;
    asyncio_stream_reader_t *reader = writer->reader;
    int r;

    if (reader != NULL && reader->code < 0)
        return aio__raise_exception(reader->code,
                                    aio__exception_ref(reader->exception));
    protocol->refs++; /* the writer may be dropped meanwhile */
    r = 0;
    if (asyncio_transport_is_closing(writer->transport))
        /* So that connection_lost can be seen by who writes in a loop. */
        r = asyncio_sleep(0);
    if (r >= 0 && protocol->lost)
        r = asyncio_raise_at(UV_ECONNRESET, NULL, 0, "Connection lost");
    else if (r >= 0 && protocol->paused)
        r = wait_in(protocol, &protocol->drains);
    aio__stream_protocol_unref(protocol);
    return r;
}

int
asyncio_stream_writer_drain(asyncio_stream_writer_t *writer)
{
    const struct aio__stream_protocol *protocol = writer->protocol;
    const asyncio_stream_reader_t *reader = writer->reader;

    aio__transport_settle(writer->transport);
    if (aio__likely(!protocol->paused && !protocol->lost
                    && !writer->transport->closing
                    && (reader == NULL || reader->code == 0)))
        return 0;
    return drain_slowly(writer);
}

void
asyncio_stream_writer_close(asyncio_stream_writer_t *writer)
{
    asyncio_transport_close(writer->transport);
}

bool
asyncio_stream_writer_is_closing(const asyncio_stream_writer_t *writer)
{
    return asyncio_transport_is_closing(writer->transport);
}

int
asyncio_stream_writer_wait_closed(asyncio_stream_writer_t *writer)
{
    struct aio__stream_protocol *protocol = writer->protocol;

    if (!protocol->lost)
        return wait_in(protocol, &protocol->closes);
    if (protocol->code == 0)
        return 0;
    return aio__raise_exception(protocol->code,
                                aio__exception_ref(protocol->exception));
}

bool
asyncio_stream_writer_can_write_eof(const asyncio_stream_writer_t *writer)
{
    return asyncio_transport_can_write_eof(writer->transport);
}

int
asyncio_stream_writer_write_eof(asyncio_stream_writer_t *writer)
{
    return asyncio_transport_write_eof(writer->transport);
}

const void *
asyncio_stream_writer_get_extra_info(asyncio_stream_writer_t *writer,
                                     const char *name)
{
    return asyncio_transport_get_extra_info(writer->transport, name);
}

asyncio_transport_t *
asyncio_stream_writer_transport(const asyncio_stream_writer_t *writer)
{
    return writer->transport;
}
