/* SPDX-License-Identifier: MIT */
#ifndef AIO_TLS_TLS_H
#define AIO_TLS_TLS_H

/*
 * The insides of TLS: one struct is the program's transport and, at the same
 * time, the protocol of the transport below.
 */

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "asyncio/tls.h"
#include "io/connect.h"

struct aio__tls_context {
    asyncio_ssl_context_t base;
    SSL_CTX *ctx;
    bool server;
    bool check_hostname;
    bool any_name;          /* no server_hostname: check no name */
    unsigned char *alpn;    /* in wire format; NULL: none */
    size_t alpn_size;
};

/* Bytes on their way from or to the transport below. */
struct aio__tls_buffer {
    char *data;
    size_t start;
    size_t end;
    size_t room;
};

enum aio__tls_state {
    AIO__TLS_NEW,       /* connection_made was not called yet */
    AIO__TLS_HANDSHAKE,
    AIO__TLS_OPEN,
    AIO__TLS_CLOSING,   /* our close_notify is out, the peer's awaited */
    AIO__TLS_ENDED      /* the transport below is told to close */
};

/* What is known after the handshake, made when asked for. */
struct aio__tls_info {
    asyncio_peercert_t peercert;
    asyncio_cipher_t cipher;
    char *text;       /* that the former points into; owned */
    size_t text_size;
    char alpn[256];
};

struct aio__tls {
    asyncio_transport_t base;       /* of the program */
    asyncio_protocol_t under;       /* what the transport below calls */
    asyncio_transport_t *below;     /* a reference; NULL until known */
    struct aio__tls_context *context; /* a reference */
    SSL *ssl;
    struct aio__tls_buffer in;      /* came, SSL has not read it yet */
    struct aio__tls_buffer out;     /* SSL wrote it, not handed down yet */
    uint8_t state;                  /* enum aio__tls_state */
    bool made;                      /* connection_made of the program was */
    bool lost;                      /* connection_lost was called by below */
    bool ended;                     /* below has read an end of file */
    bool below_full;                /* it paused our writing */
    bool below_paused;              /* we paused its reading */
    bool paused;                    /* the program paused ours */
    bool nomem;                     /* SSL wrote, and there was no room */
    uint32_t lost_writes;
    int result;                     /* of the handshake; 0: see state */
    asyncio_exception_t *exception; /* for connection_lost; owned */
    struct aio__waiter *waiter;     /* waits for the handshake; or NULL */
    struct aio__event start_event;
    struct aio__event resume_event;
    struct aio__timer timer;        /* of the handshake or the shutdown */
    double handshake_timeout;       /* seconds */
    double shutdown_timeout;        /* seconds */
    struct aio__tls_info *info;     /* owned; NULL until asked for */
};

/* buffer.c: memory, and OpenSSL's view of it. */
int aio__tls_buffer_add(struct aio__tls_buffer *buffer, const void *data,
                        size_t size);
void aio__tls_buffer_clear(struct aio__tls_buffer *buffer);
aio__inline size_t
aio__tls_buffer_size(const struct aio__tls_buffer *buffer)
{
    return buffer->end - buffer->start;
}
/* NULL without memory. */
BIO *aio__tls_bio_new(struct aio__tls *tls);

/* error.c: never NULL; a reference. */
asyncio_exception_t *aio__tls_exception(int code, const char *message);
asyncio_exception_t *aio__tls_error(struct aio__tls *tls, int r);
/* What OpenSSL's queue says, raised. */
int aio__tls_raise(void);

/* hostname.c: whom a client wants to talk to. */
int aio__tls_set_hostname(struct aio__tls_context *context, SSL *ssl,
                          const char *hostname);

/* info.c */
const void *aio__tls_extra(asyncio_transport_t *transport, const char *name);
void aio__tls_info_free(struct aio__tls_info *info);

/* tls.c: the connection. */
void aio__tls_begin(struct aio__tls *tls);
void aio__tls_received(struct aio__tls *tls);
bool aio__tls_ended(struct aio__tls *tls);
void aio__tls_shutdown(struct aio__tls *tls);
void aio__tls_push(struct aio__tls *tls, bool anyway);
/* It is over because of this; takes the exception. */
void aio__tls_fail(struct aio__tls *tls, asyncio_exception_t *exception);
/* Its timer fires: the handshake, or the end, takes too long. */
void aio__tls_on_timer(struct aio__timer *timer);
void aio__tls_settle(struct aio__tls *tls, int code,
                     asyncio_exception_t *exception);

/* transport.c: the operations of a context. */
int aio__tls_wrap(asyncio_ssl_context_t *context,
                  const struct aio__tls_params *params,
                  asyncio_protocol_t **ret_protocol,
                  asyncio_transport_t **ret_transport);
void aio__tls_start(asyncio_transport_t *transport,
                    asyncio_transport_t *socket);
int aio__tls_wait(asyncio_transport_t *transport);

#endif
