/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_TLS_H
#define ASYNCIO_TLS_H

/**
 * @file tls.h
 * TLS contexts: what the `.ssl` keyword of connections and servers takes.
 *
 * A context is made once, before it is used, and serves any number of
 * connections, in any thread. Its defaults fail closed: TLS 1.2 or newer, no
 * renegotiation and no compression; a client's checks the peer's certificate
 * against the system's authorities, and its name. Revocation is not checked.
 *
 * get_extra_info() of a transport with TLS knows: "peercert" (a
 * `const asyncio_peercert_t *`, NULL when the peer showed none), "cipher" (a
 * `const asyncio_cipher_t *`), "compression" (a string; always NULL),
 * "alpn_protocol" (a string; NULL: none was agreed on), "sslcontext" (the
 * context) and "ssl_object" (OpenSSL's `SSL *`).
 *
 * In a library built without OpenSSL all calls return UV_ENOTSUP.
 */

#include "exceptions.h"
#include "export.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

ASYNCIO_BEGIN_DECLS

/** The peer's certificate; everything lives as long as the transport. */
typedef struct asyncio_peercert {
    const char *subject;          /* as RFC 2253 writes it */
    const char *issuer;           /* likewise */
    const char *serial_number;    /* hexadecimal */
    const char *not_before;       /* "Nov 22 22:30:00 2026 GMT" */
    const char *not_after;        /* likewise */
    const char *subject_alt_name; /* "DNS:a.test, IP Address:127.0.0.1"; "" */
    const void *der;              /* the whole certificate */
    size_t der_size;              /* in bytes */
} asyncio_peercert_t;

/** What a connection is encrypted with. */
typedef struct asyncio_cipher {
    const char *name;
    const char *protocol; /* "TLSv1.3" */
    int secret_bits;
} asyncio_cipher_t;

/**
 * The context of clients that need nothing special; the first call makes it,
 * and reads files. Without a server_hostname
 * ("") it does not check the name, only the certificate.
 *
 * @python   ssl=True
 * @return   static, to be used as it is; where it cannot be made, connections
 *           fail with the reason
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_ssl_context_t *asyncio_ssl_context_default(void);

/**
 * Make a context for clients. It checks certificates and names, and knows the
 * system's authorities, whose files it reads: before the loop runs, or in a
 * thread.
 *
 * @python   ssl.create_default_context()
 * @param    ret_context  gets a reference
 * @return   0; UV_ENOMEM; ASYNCIO_ERR_SSL; UV_ENOTSUP without OpenSSL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_new_client(asyncio_ssl_context_t **ret_context);

/**
 * Make a context for servers. It needs a certificate, and asks clients for
 * none.
 *
 * @python   ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
 * @param    ret_context  gets a reference
 * @return   as asyncio_ssl_context_new_client()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_new_server(asyncio_ssl_context_t **ret_context);

/**
 * Take a reference. Servers and connections have their own.
 *
 * @python   (a reference)
 * @param    context  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_ssl_context_t *
asyncio_ssl_context_ref(asyncio_ssl_context_t *context);

/**
 * Drop a reference.
 *
 * @python   del
 * @param    context  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_ssl_context_t *
asyncio_ssl_context_unref(asyncio_ssl_context_t *context);

/**
 * Load the certificate to show, and its key. Reads files: before the loop
 * runs, or in a thread.
 *
 * @python   SSLContext.load_cert_chain(certfile, keyfile=None)
 * @param    context   a context
 * @param    certfile  PEM: the certificate, then those between it and the root
 * @param    keyfile   PEM, without a password; NULL: in `certfile`
 * @return   0; UV_ENOENT, UV_EACCES, ...; ASYNCIO_ERR_SSL for what is no
 *           certificate or key, or do not belong together; UV_ENOMEM;
 *           UV_ENOTSUP
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_load_cert_chain(asyncio_ssl_context_t *context,
                                    const char *certfile, const char *keyfile);

/**
 * Trust these authorities, too. Reads files: before the loop runs, or in a
 * thread.
 *
 * @python   SSLContext.load_verify_locations(cafile=None, capath=None)
 * @param    context  a context
 * @param    cafile   PEM with any number of certificates; or NULL
 * @param    capath   directory as c_rehash makes it; or NULL
 * @return   0; UV_EINVAL when both are NULL; UV_ENOENT, ...; ASYNCIO_ERR_SSL;
 *           UV_ENOMEM; UV_ENOTSUP
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_load_verify_locations(asyncio_ssl_context_t *context,
                                          const char *cafile,
                                          const char *capath);

/**
 * Whether the peer must show a valid certificate. Without that a client talks
 * to whoever answers.
 *
 * @python   SSLContext.verify_mode = CERT_REQUIRED or CERT_NONE
 * @param    context  a context
 * @param    verify   of clients true, of servers false unless set
 * @return   0; ASYNCIO_ERR_VALUE for false while names are checked; UV_ENOTSUP
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_set_verify(asyncio_ssl_context_t *context, bool verify);

/**
 * Whether the certificate must be one for the server_hostname. Without that
 * anybody with any valid certificate can stand in for the server.
 *
 * @python   SSLContext.check_hostname
 * @param    context  a context
 * @param    check    of clients true unless set
 * @return   0; ASYNCIO_ERR_VALUE for true while certificates are not checked;
 *           UV_ENOTSUP
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_set_check_hostname(asyncio_ssl_context_t *context,
                                       bool check);

/**
 * Offer, or accept, these protocols; the server's order counts.
 *
 * @python   SSLContext.set_alpn_protocols(protocols)
 * @param    context    a context
 * @param    protocols  names of 1 to 255 bytes, then NULL
 * @return   0; ASYNCIO_ERR_VALUE for a name that is none; UV_ENOMEM; UV_ENOTSUP
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_ssl_context_set_alpn_protocols(asyncio_ssl_context_t *context,
                                       const char *const *protocols);

/**
 * OpenSSL's own object, for what has no function here. Leave its verification
 * mode and its callbacks for ALPN alone.
 *
 * @python   (SSLContext itself)
 * @param    context  a context
 * @return   borrowed; NULL without OpenSSL
 * @suspends never
 */
ASYNCIO_EXPORT struct ssl_ctx_st *
asyncio_ssl_context_openssl(asyncio_ssl_context_t *context);

ASYNCIO_END_DECLS

#endif
