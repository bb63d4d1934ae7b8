/* SPDX-License-Identifier: MIT */
/*
 * A library without OpenSSL: every call says so, and so does every connection
 * that is to use the default context.
 *
 * Python counterpart: a Python without its ssl module.
 */
#include "asyncio/tls.h"
#include "io/connect.h"

static int
absent(void)
{
    return asyncio_raise_at(UV_ENOTSUP, NULL, 0,
                            "the library was built without TLS");
}

static int
wrap(asyncio_ssl_context_t *context, const struct aio__tls_params *params,
     asyncio_protocol_t **ret_protocol, asyncio_transport_t **ret_transport)
{
    (void) context;
    (void) params;
    (void) ret_protocol;
    (void) ret_transport;
    return absent();
}

asyncio_ssl_context_t *
asyncio_ssl_context_default(void)
{
    static const struct aio__tls_ops ops = {.wrap = wrap};
    static asyncio_ssl_context_t context = {.ops = &ops};

    return &context;
}

int
asyncio_ssl_context_new_client(asyncio_ssl_context_t **ret_context)
{
    (void) ret_context;
    return absent();
}

int
asyncio_ssl_context_new_server(asyncio_ssl_context_t **ret_context)
{
    (void) ret_context;
    return absent();
}

asyncio_ssl_context_t *
asyncio_ssl_context_ref(asyncio_ssl_context_t *context)
{
    return context;
}

asyncio_ssl_context_t *
asyncio_ssl_context_unref(asyncio_ssl_context_t *context)
{
    (void) context;
    return NULL;
}

int
asyncio_ssl_context_load_cert_chain(asyncio_ssl_context_t *context,
                                    const char *certfile, const char *keyfile)
{
    (void) context;
    (void) certfile;
    (void) keyfile;
    return absent();
}

int
asyncio_ssl_context_load_verify_locations(asyncio_ssl_context_t *context,
                                          const char *cafile,
                                          const char *capath)
{
    (void) context;
    (void) cafile;
    (void) capath;
    return absent();
}

int
asyncio_ssl_context_set_verify(asyncio_ssl_context_t *context, bool verify)
{
    (void) context;
    (void) verify;
    return absent();
}

int
asyncio_ssl_context_set_check_hostname(asyncio_ssl_context_t *context,
                                       bool check)
{
    (void) context;
    (void) check;
    return absent();
}

int
asyncio_ssl_context_set_alpn_protocols(asyncio_ssl_context_t *context,
                                       const char *const *protocols)
{
    (void) context;
    (void) protocols;
    return absent();
}

struct ssl_ctx_st *
asyncio_ssl_context_openssl(asyncio_ssl_context_t *context)
{
    (void) context;
    return NULL;
}
