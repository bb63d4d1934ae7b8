/* SPDX-License-Identifier: MIT */
/*
 * What OpenSSL's errors are here: a code, and a message in the form that
 * Python's ssl module gives them.
 *
 * OpenSSL keeps a queue of errors for each thread; whoever calls it clears
 * that first, and the newest entry tells what went wrong.
 *
 * Python counterpart: ssl.SSLError and its kin.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "tls/tls.h"

asyncio_exception_t *
aio__tls_exception(int code, const char *message)
{
    asyncio_exception_t *exception = aio__exception_new(code, message);

    return exception != NULL ? exception : aio__exception_of(code);
}

/* "wrong version number" is WRONG_VERSION_NUMBER. */
static void
describe(unsigned long error, char *text, size_t size)
{
    const char *reason = ERR_reason_error_string(error);
    const char *library = ERR_lib_error_string(error);
    char symbol[96];
    size_t i = 0;

    if (ERR_GET_LIB(error) == ERR_LIB_SSL)
        library = "SSL";
    else if (ERR_GET_LIB(error) == ERR_LIB_X509)
        library = "X509";
    else if (ERR_GET_LIB(error) == ERR_LIB_PEM)
        library = "PEM";
    if (reason == NULL)
        reason = "unknown error";
    for (; reason[i] != '\0' && i < sizeof symbol - 1; i++)
        symbol[i] = isalnum((unsigned char) reason[i])
            ? (char) toupper((unsigned char) reason[i])
            : '_';
    symbol[i] = '\0';
    snprintf(text, size, "[%s: %s] %s", library != NULL ? library : "?",
             symbol, reason);
}

static asyncio_exception_t *
verification_error(SSL *ssl)
{
    long result = SSL_get_verify_result(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char *address = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(ssl));
    char text[400];

    if (result == X509_V_ERR_HOSTNAME_MISMATCH && name != NULL)
        snprintf(text, sizeof text,
                 "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                 "Hostname mismatch, certificate is not valid for '%s'.",
                 name);
    else if (result == X509_V_ERR_IP_ADDRESS_MISMATCH && address != NULL)
        snprintf(text, sizeof text,
                 "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                 "IP address mismatch, certificate is not valid for '%s'.",
                 address);
    else
        snprintf(text, sizeof text,
                 "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                 "%s",
                 X509_verify_cert_error_string(result));
    OPENSSL_free(address);
    return aio__tls_exception(ASYNCIO_ERR_SSL_CERT_VERIFICATION, text);
}

asyncio_exception_t *
aio__tls_error(struct aio__tls *tls, int r)
{
    int kind = SSL_get_error(tls->ssl, r);
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    bool ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
    char text[200];

    if (tls->nomem || (error != 0 && reason == ERR_R_MALLOC_FAILURE))
        return aio__exception_of(UV_ENOMEM);
    if ((ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        || (error == 0 && kind == SSL_ERROR_SYSCALL))
        return aio__tls_exception(ASYNCIO_ERR_SSL_EOF,
                                  "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF "
                                  "occurred in violation of protocol");
    if (ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return verification_error(tls->ssl);
    if (error == 0)
        return aio__tls_exception(ASYNCIO_ERR_SSL, "unknown TLS error");
    describe(error, text, sizeof text);
    return aio__tls_exception(ASYNCIO_ERR_SSL, text);
}

int
aio__tls_raise(void)
{
    unsigned long error = ERR_peek_last_error();
    unsigned long first = ERR_peek_error();
    char text[200];

    if (error != 0 && ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return UV_ENOMEM;
    /* A file that cannot be opened: the first entry is the system's. */
    if (ERR_SYSTEM_ERROR(first)) {
        int code = -(int) ERR_GET_REASON(first);

        ERR_clear_error();
        return aio__raise_exception(code, NULL);
    }
    describe(error, text, sizeof text);
    ERR_clear_error();
    return asyncio_raise_at(ASYNCIO_ERR_SSL, NULL, 0, "%s", text);
}
