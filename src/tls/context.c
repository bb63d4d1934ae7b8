/* SPDX-License-Identifier: MIT */
/*
 * TLS contexts: OpenSSL's, with defaults that fail closed.
 *
 * OpenSSL by itself verifies nothing, speaks old protocols where it was built
 * with them, and renegotiates on request; all of this is set here, once. A
 * context is not changed any more once it is used.
 *
 * Python counterpart: ssl.SSLContext and ssl.create_default_context.
 */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "tls/tls.h"

static struct aio__tls_context *
self_of(asyncio_ssl_context_t *context)
{
    return aio__container_of(context, struct aio__tls_context, base);
}

static void
context_free(asyncio_ssl_context_t *base)
{
    struct aio__tls_context *context = self_of(base);

    SSL_CTX_free(context->ctx);
    if (context->alpn != NULL)
        aio__free(context->alpn, context->alpn_size);
    aio__free(context, sizeof *context);
}

static const struct aio__tls_ops ops = {
    .wrap = aio__tls_wrap,
    .start = aio__tls_start,
    .wait = aio__tls_wait,
    .free = context_free,
};

static const uint64_t options_on =
    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
    | SSL_OP_CIPHER_SERVER_PREFERENCE;

static int
configure(SSL_CTX *ctx, bool server)
{
    static const unsigned char id[] = "asyncio";

    SSL_CTX_set_options(ctx, options_on);
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY
                         | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify_depth(ctx, 10);
    if (SSL_CTX_get_security_level(ctx) < 2)
        SSL_CTX_set_security_level(ctx, 2);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        return -1;
    if (server)
        return SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1
            ? 0
            : -1;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_set_default_verify_paths(ctx) == 1 ? 0 : -1;
}

static int
context_init(struct aio__tls_context *context, bool server)
{
    SSL_CTX *ctx;

    ERR_clear_error();
    ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (ctx == NULL)
        return aio__tls_raise();
    if (configure(ctx, server) < 0) {
        SSL_CTX_free(ctx);
        return aio__tls_raise();
    }
    ERR_clear_error();
    context->base.ops = &ops;
    context->ctx = ctx;
    context->server = server;
    context->check_hostname = !server;
    return 0;
}

static int
context_new(bool server, asyncio_ssl_context_t **ret_context)
{
    struct aio__tls_context *context = aio__calloc(1, sizeof *context);
    int r;

    if (context == NULL)
        return UV_ENOMEM;
    r = context_init(context, server);
    if (r < 0) {
        aio__free(context, sizeof *context);
        return r;
    }
    atomic_init(&context->base.refs, 1);
    *ret_context = &context->base;
    return 0;
}

int
asyncio_ssl_context_new_client(asyncio_ssl_context_t **ret_context)
{
    return context_new(false, ret_context);
}

int
asyncio_ssl_context_new_server(asyncio_ssl_context_t **ret_context)
{
    return context_new(true, ret_context);
}

static struct aio__tls_context usual; /* without a count: it is static */

static int
refuse(asyncio_ssl_context_t *context, const struct aio__tls_params *params,
       asyncio_protocol_t **ret_protocol, asyncio_transport_t **ret_transport)
{
    (void) context;
    (void) params;
    (void) ret_protocol;
    (void) ret_transport;
    return asyncio_raise_at(ASYNCIO_ERR_SSL, NULL, 0,
                            "the default TLS context could not be made");
}

static void
make_usual(void)
{
    static const struct aio__tls_ops refusing = {.wrap = refuse};

    if (context_init(&usual, false) < 0)
        usual.base.ops = &refusing;
    usual.any_name = true;
}

asyncio_ssl_context_t *
asyncio_ssl_context_default(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_usual);
    return &usual.base;
}

asyncio_ssl_context_t *
asyncio_ssl_context_ref(asyncio_ssl_context_t *context)
{
    return aio__ssl_context_ref(context);
}

asyncio_ssl_context_t *
asyncio_ssl_context_unref(asyncio_ssl_context_t *context)
{
    aio__ssl_context_unref(context);
    return NULL;
}

int
asyncio_ssl_context_load_cert_chain(asyncio_ssl_context_t *context,
                                    const char *certfile, const char *keyfile)
{
    SSL_CTX *ctx = self_of(context)->ctx;

    if (certfile == NULL)
        return UV_EINVAL;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, certfile) != 1
        || SSL_CTX_use_PrivateKey_file(
               ctx, keyfile != NULL ? keyfile : certfile, SSL_FILETYPE_PEM)
               != 1
        || SSL_CTX_check_private_key(ctx) != 1)
        return aio__tls_raise();
    return 0;
}

int
asyncio_ssl_context_load_verify_locations(asyncio_ssl_context_t *context,
                                          const char *cafile,
                                          const char *capath)
{
    SSL_CTX *ctx = self_of(context)->ctx;

    if (cafile == NULL && capath == NULL)
        return UV_EINVAL;
    ERR_clear_error();
    if (SSL_CTX_load_verify_locations(ctx, cafile, capath) != 1)
        return aio__tls_raise();
    return 0;
}

int
asyncio_ssl_context_set_verify(asyncio_ssl_context_t *context, bool verify)
{
    struct aio__tls_context *self = self_of(context);

    if (!verify && self->check_hostname)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Cannot set verify_mode to CERT_NONE when "
                                "check_hostname is enabled.");
    SSL_CTX_set_verify(self->ctx,
                       verify ? SSL_VERIFY_PEER
                              | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                              : SSL_VERIFY_NONE,
                       NULL);
    return 0;
}

int
asyncio_ssl_context_set_check_hostname(asyncio_ssl_context_t *context,
                                       bool check)
{
    struct aio__tls_context *self = self_of(context);

    if (check && SSL_CTX_get_verify_mode(self->ctx) == SSL_VERIFY_NONE)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "check_hostname needs a context that verifies "
                                "certificates");
    self->check_hostname = check;
    return 0;
}

static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
            const unsigned char *in, unsigned int in_size, void *arg)
{
    const struct aio__tls_context *context = arg;
    unsigned char *selected;

    (void) ssl;
    if (SSL_select_next_proto(&selected, out_size, context->alpn,
                              (unsigned int) context->alpn_size, in, in_size)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* Each name behind its length; the whole must fit into 65535 bytes. */
static int
encode_alpn(const char *const *protocols, unsigned char **ret_alpn,
            size_t *ret_size)
{
    size_t size = 0, at = 0;
    unsigned char *alpn;

    for (const char *const *p = protocols; *p != NULL; p++) {
        size_t n = strlen(*p);

        size += 1 + n;
        if (n == 0 || n > 255 || size > 65535)
            return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                    "ALPN protocols must be 1 to 255 bytes "
                                    "long");
    }
    if (size == 0)
        return UV_EINVAL;
    alpn = aio__alloc(size);
    if (alpn == NULL)
        return UV_ENOMEM;
    for (const char *const *p = protocols; *p != NULL; p++) {
        size_t n = strlen(*p);

        alpn[at++] = (unsigned char) n;
        memcpy(alpn + at, *p, n);
        at += n;
    }
    *ret_alpn = alpn;
    *ret_size = size;
    return 0;
}

int
asyncio_ssl_context_set_alpn_protocols(asyncio_ssl_context_t *context,
                                       const char *const *protocols)
{
    struct aio__tls_context *self = self_of(context);
    unsigned char *alpn;
    size_t size;
    int r;

    r = encode_alpn(protocols, &alpn, &size);
    if (r < 0)
        return r;
    if (SSL_CTX_set_alpn_protos(self->ctx, alpn, (unsigned int) size) != 0) {
        aio__free(alpn, size);
        return UV_ENOMEM;
    }
    if (self->alpn != NULL)
        aio__free(self->alpn, self->alpn_size);
    self->alpn = alpn;
    self->alpn_size = size;
    if (self->server)
        SSL_CTX_set_alpn_select_cb(self->ctx, select_alpn, self);
    return 0;
}

struct ssl_ctx_st *
asyncio_ssl_context_openssl(asyncio_ssl_context_t *context)
{
    return self_of(context)->ctx;
}
