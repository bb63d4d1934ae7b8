/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_STREAM_H
#define AIO_IO_STREAM_H

/* The insides of readers, writers and the protocol between them. */

#include "asyncio/streams.h"
#include "base/alloc.h"
#include "io/io.h"
#include "io/transport.h"
#include "loop/fiber.h"
#include "task/future.h"

enum { AIO__STREAM_LIMIT = 64 * 1024 }; /* bytes, unless set */

struct aio__seen {
    struct aio__seen *next;
    char *data;
    size_t room;
    bool kept;
};

/* What every read touches is at the front. */
struct asyncio_stream_reader {
    uint32_t refs;
    bool eof;
    bool paused;                  /* we paused the transport */
    bool pinned;                  /* somebody looks at bytes before `start` */
    bool kept;                    /* `data` is a read buffer of the loop */
    asyncio_loop_t *loop;         /* its memory is held */
    char *data;                   /* the buffer; NULL: none */
    size_t start;                 /* of the bytes in it that are not read */
    size_t end;
    struct aio__fiber *waiting;   /* the task that reads; or NULL */
    asyncio_transport_t *transport; /* a reference; or NULL */
    int code;                     /* of `exception`; 0 for none */
    size_t room;                  /* of the buffer, in bytes */
    size_t limit;
    struct aio__seen *seen;       /* former buffers somebody looks at */
    asyncio_exception_t *exception; /* owned; NULL for none */
};

/* What start_server's connections have in common; counted. */
struct aio__service {
    uint32_t refs;
    asyncio_client_connected_cb_t callback;
    void *arg;
    size_t limit;
    size_t stack_size;
    bool plain;                   /* the callback awaits nothing */
};

/* StreamReaderProtocol: belongs to its transport and to its writer. */
struct aio__stream_protocol {
    asyncio_protocol_t protocol;
    asyncio_loop_t *loop;         /* its memory is held */
    uint32_t refs;
    bool paused;                  /* writing is */
    bool lost;                    /* connection_lost was called */
    bool over_ssl;
    int code;                     /* that it was lost with; 0 for none */
    asyncio_exception_t *exception; /* its detail; owned */
    asyncio_stream_reader_t *reader; /* a reference; or NULL */
    asyncio_transport_t *transport;  /* until connection_lost; borrowed */
    struct aio__list drains;      /* waiters in drain */
    struct aio__list closes;      /* waiters in wait_closed */
    struct aio__service *service; /* a reference, on the server's side */
    asyncio_stream_writer_t *writer; /* of a plain callback; a reference */
    asyncio_task_t *task;         /* that handles the client; a reference */
    struct aio__future_job ended; /* of that task */
};

struct asyncio_stream_writer {
    uint32_t refs;
    asyncio_transport_t *transport;      /* a reference */
    struct aio__stream_protocol *protocol; /* a reference */
    asyncio_stream_reader_t *reader;     /* a reference; or NULL */
};

int aio__reader_new(asyncio_loop_t *loop, size_t limit,
                    asyncio_stream_reader_t **ret_reader);

/* Whether a limit is one: no negative number that became a size. */
int aio__reader_check(size_t limit);

/* The producer's side; takes the exception. */
void aio__reader_fail(asyncio_stream_reader_t *reader, int code,
                      asyncio_exception_t *exception);

/* For the reading functions. Wait until something comes; `name` is who. */
int aio__reader_wait(asyncio_stream_reader_t *reader, const char *name);

/* Wait until all has come; nothing is consumed. */
int aio__reader_wait_eof(asyncio_stream_reader_t *reader);

/* Every read begins here: what the last one showed is looked at no more. */
int aio__reader_begin(asyncio_stream_reader_t *reader);

/* At the end of file: everything there was goes into the error. `expected` is
 * negative when nobody knows how much it should have been. */
int aio__reader_incomplete(asyncio_stream_reader_t *reader, int64_t expected);

aio__inline size_t
aio__reader_size(const asyncio_stream_reader_t *reader)
{
    return reader->end - reader->start;
}

aio__inline void
aio__reader_free_bytes(asyncio_stream_reader_t *reader, char *data,
                       size_t room, bool kept)
{
    if (aio__likely(kept))
        aio__readbuf_give(reader->loop->io, data);
    else
        aio__free(data, room);
}

/* Give the buffer back; what was in it is gone. */
aio__inline void
aio__reader_free_buffer(asyncio_stream_reader_t *reader)
{
    aio__reader_free_bytes(reader, reader->data, reader->room, reader->kept);
    reader->data = NULL;
    reader->start = reader->end = reader->room = 0;
    reader->kept = false;
}

/* Consume bytes. */
void aio__reader_resume(asyncio_stream_reader_t *reader);
aio__inline void
aio__reader_skip(asyncio_stream_reader_t *reader, size_t size)
{
    reader->start += size;
    if (reader->kept && reader->start == reader->end && !reader->pinned)
        aio__reader_free_buffer(reader);
    if (aio__unlikely(reader->paused)
        && aio__reader_size(reader) <= reader->limit)
        aio__reader_resume(reader);
}

/* Show bytes and consume them. */
aio__inline void
aio__reader_take(asyncio_stream_reader_t *reader, size_t size,
                 asyncio_bytes_t *ret_view)
{
    ret_view->data = reader->data != NULL ? reader->data + reader->start : "";
    ret_view->size = size;
    reader->pinned |= size > 0; /* or there are views of others, too */
    aio__reader_skip(reader, size);
}

/* The protocol of a connection; `service` NULL on the client's side. */
int aio__stream_protocol_new(asyncio_loop_t *loop,
                             asyncio_stream_reader_t *reader,
                             struct aio__service *service,
                             struct aio__stream_protocol **ret_protocol);
void aio__stream_protocol_unref(struct aio__stream_protocol *protocol);

/* One that is such a protocol, or NULL. */
struct aio__stream_protocol *
aio__stream_protocol_of(asyncio_protocol_t *protocol);

/* A client is there: call the program. For connection_made. */
int aio__service_client(struct aio__stream_protocol *protocol);
void aio__service_unref(struct aio__service *service);

#endif
