/* SPDX-License-Identifier: MIT */
/*
 * Whom a client wants to talk to: the name that is sent to the server and the
 * one that its certificate must be for.
 *
 * OpenSSL takes an empty name for "any", and one with a leading dot for all
 * subdomains, so what is no name is refused here. An address is checked as
 * one and never sent. Only whole labels may be wildcards, and the common name
 * of a certificate counts for nothing.
 *
 * Python counterpart: SSLContext.wrap_bio(server_hostname=...).
 */
#include <arpa/inet.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "tls/tls.h"

enum { NAME_MAX_SIZE = 253 }; /* bytes, RFC 1035 */

static bool
is_address(const char *name)
{
    struct in6_addr address;

    return inet_pton(AF_INET, name, &address) == 1
        || inet_pton(AF_INET6, name, &address) == 1;
}

/* A copy without the dot at the end; ASYNCIO_ERR_VALUE for what is no name. */
static int
copy_name(const char *name, char copy[NAME_MAX_SIZE + 1])
{
    size_t size = strlen(name);

    if (size > 1 && name[size - 1] == '.')
        size--;
    if (size == 0 || name[0] == '.')
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "server_hostname cannot be an empty string "
                                "or start with a leading dot.");
    if (size > NAME_MAX_SIZE)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "server_hostname is too long");
    for (size_t i = 0; i < size; i++)
        if ((unsigned char) name[i] <= ' ' || (unsigned char) name[i] > '~')
            return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                    "server_hostname must be ASCII: an "
                                    "international name in its xn-- form");
    memcpy(copy, name, size);
    copy[size] = '\0';
    return 0;
}

static int
check_address(struct aio__tls_context *context, SSL *ssl, const char *address)
{
    if (context->check_hostname
        && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address) != 1)
        return UV_ENOMEM;
    return 0;
}

int
aio__tls_set_hostname(struct aio__tls_context *context, SSL *ssl,
                      const char *hostname)
{
    char name[NAME_MAX_SIZE + 1];
    int r;

    if (hostname == NULL || hostname[0] == '\0') {
        if (!context->check_hostname || context->any_name)
            return 0;
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "check_hostname requires server_hostname");
    }
    if (is_address(hostname))
        return check_address(context, ssl, hostname);
    r = copy_name(hostname, name);
    if (r < 0)
        return r;
    if (SSL_set_tlsext_host_name(ssl, name) != 1)
        return UV_ENOMEM;
    if (!context->check_hostname)
        return 0;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
                               | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, name) == 1 ? 0 : UV_ENOMEM;
}
