/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_TRANSPORT_H
#define AIO_IO_TRANSPORT_H

/*
 * The part that all transports have, and what kinds of them differ in.
 *
 * A transport has one reference of its own from its birth until it has let
 * go of everything libuv knows of, and those of its users.
 */

#include "asyncio/streams.h"
#include "asyncio/transports.h"
#include "loop/context.h"
#include "loop/exception.h"
#include "loop/loop.h"

enum {
    AIO__WRITE_HIGH = 64 * 1024, /* bytes, unless set */
    AIO__LOST_WRITES_LOG = 5     /* lost writes before they are logged */
};

/* NULL: this kind cannot do that. */
struct aio__transport_type {
    const char *name;
    size_t size; /* of the whole struct, in bytes */
    size_t high; /* bytes: the usual high-water mark; 0: AIO__WRITE_HIGH */
    bool carries_tls; /* start_tls may put TLS on top */
    void (*close)(asyncio_transport_t *transport);
    void (*abort)(asyncio_transport_t *transport);
    const void *(*extra)(asyncio_transport_t *transport, const char *name);
    bool (*is_reading)(const asyncio_transport_t *transport);
    int (*pause_reading)(asyncio_transport_t *transport);
    int (*resume_reading)(asyncio_transport_t *transport);
    int (*write)(asyncio_transport_t *transport, const void *data,
                 size_t size);
    int (*writelines)(asyncio_transport_t *transport,
                      const asyncio_bytes_t *buffers, size_t count);
    /* Takes `data` in any case. */
    int (*write_owned)(asyncio_transport_t *transport, void *data, size_t size,
                       asyncio_drop_t drop);
    int (*write_eof)(asyncio_transport_t *transport);
    size_t (*buffered)(const asyncio_transport_t *transport);
    /* Read what a task was told of. Only for kinds that may have a puller. */
    void (*settle)(asyncio_transport_t *transport);
    /* Before the memory goes. */
    void (*fini)(asyncio_transport_t *transport);
};

/* What keeps others from using it: nobody may put a protocol of theirs in the
 * place of one that is not the program's. */
enum aio__transport_use {
    AIO__TRANSPORT_FREE,
    AIO__TRANSPORT_SENDS_FILE,
    AIO__TRANSPORT_UNDER_TLS /* by start_tls; for ever */
};

struct asyncio_transport {
    const struct aio__transport_type *type;
    asyncio_loop_t *loop;         /* its memory is held */
    asyncio_protocol_t *protocol; /* NULL after connection_lost */
    size_t high;                  /* bytes: pause_writing above */
    size_t low;                   /* bytes: resume_writing at or below */
    uint32_t refs;
    bool closing;                 /* by close, abort or an error */
    bool left_open;               /* when its loop closed */
    bool protocol_paused;         /* by pause_writing */
    bool unread;                  /* `pulling` was woken, nobody has read yet */
    uint8_t use;                  /* enum aio__transport_use */
    const asyncio_stream_reader_t *puller; /* whose tasks read by themselves;
                                   * or NULL. Never looked into. */
    struct aio__fiber *pulling;   /* one of these that waits; or NULL */
    asyncio_context_t context;    /* callbacks run in; its release frees all */
};

/* For what embeds one. */
void aio__transport_init(asyncio_transport_t *transport,
                         const struct aio__transport_type *type,
                         asyncio_loop_t *loop, asyncio_protocol_t *protocol);

/* Who asks about it, or is about to change what it does, does this before: what
 * a task was told of, and has not read yet, counts as read. */
aio__inline void
aio__transport_settle(const asyncio_transport_t *transport)
{
    if (aio__unlikely(transport->unread))
        transport->type->settle((asyncio_transport_t *) (uintptr_t) transport);
}

/* Callbacks run in the caller's context from now on. */
void aio__transport_capture(asyncio_transport_t *transport);

/* 0, or ASYNCIO_ERR_RUNTIME while it is in use: `name` is not possible. */
int aio__transport_check_free(const asyncio_transport_t *transport,
                              const char *name);

/* A protocol's callback, or the system, failed: tell the exception handler.
 * The codes of the interrupt class leave the loop instead. */
void aio__transport_report(asyncio_transport_t *transport, int code,
                           const char *message);

/* The detail of `code` for connection_lost: never NULL; a reference. */
asyncio_exception_t *aio__transport_detail(int code);

/* Flow control, after what waits grew or shrank. */
void aio__transport_pause_protocol(asyncio_transport_t *transport);
void aio__transport_resume_protocol(asyncio_transport_t *transport);
aio__inline void
aio__transport_grew(asyncio_transport_t *transport, size_t size)
{
    if (aio__unlikely(size > transport->high) && !transport->protocol_paused)
        aio__transport_pause_protocol(transport);
}
aio__inline void
aio__transport_shrank(asyncio_transport_t *transport, size_t size)
{
    if (aio__unlikely(transport->protocol_paused) && size <= transport->low)
        aio__transport_resume_protocol(transport);
}

/* connection_made, eof_received (whose result does not matter) and
 * connection_lost, in the transport's context. */
void aio__transport_made(asyncio_transport_t *transport);
void aio__transport_ended(asyncio_transport_t *transport);
void aio__transport_lost(asyncio_transport_t *transport,
                         asyncio_exception_t *exception);

/* Let go of the protocol, which is dropped. */
void aio__transport_drop_protocol(asyncio_transport_t *transport);

#endif
