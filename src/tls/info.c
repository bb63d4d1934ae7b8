/* SPDX-License-Identifier: MIT */
/*
 * What TLS adds to get_extra_info(): certificate, cipher and their like. It is
 * put together when it is first asked for, and lives as long as the transport.
 *
 * Python counterpart: SSLObject.getpeercert(), cipher(), compression().
 */
#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "tls/tls.h"

/* Where the strings of a certificate begin, in the text that they share. */
enum {
    SUBJECT,
    ISSUER,
    SERIAL,
    NOT_BEFORE,
    NOT_AFTER,
    ALT_NAME,
    DER,
    PARTS
};

static int
end_string(BIO *bio)
{
    return BIO_write(bio, "", 1) == 1 ? 0 : -1;
}

static long
position(BIO *bio)
{
    const char *data;

    return BIO_get_mem_data(bio, &data);
}

static int
print_serial(BIO *bio, const X509 *cert)
{
    return i2a_ASN1_INTEGER(bio, X509_get0_serialNumber(cert)) > 0 ? 0 : -1;
}

static int
print_alt_name(BIO *bio, X509 *cert)
{
    int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);

    if (at >= 0)
        (void) X509V3_EXT_print(bio, X509_get_ext(cert, at), 0, 0);
    return 0;
}

static int
print_cert(BIO *bio, X509 *cert, long at[PARTS])
{
    int r = 0;

    at[SUBJECT] = position(bio);
    X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
    r |= end_string(bio);
    at[ISSUER] = position(bio);
    X509_NAME_print_ex(bio, X509_get_issuer_name(cert), 0, XN_FLAG_RFC2253);
    r |= end_string(bio);
    at[SERIAL] = position(bio);
    r |= print_serial(bio, cert);
    r |= end_string(bio);
    at[NOT_BEFORE] = position(bio);
    ASN1_TIME_print(bio, X509_get0_notBefore(cert));
    r |= end_string(bio);
    at[NOT_AFTER] = position(bio);
    ASN1_TIME_print(bio, X509_get0_notAfter(cert));
    r |= end_string(bio);
    at[ALT_NAME] = position(bio);
    r |= print_alt_name(bio, cert);
    r |= end_string(bio);
    at[DER] = position(bio);
    return r != 0 || i2d_X509_bio(bio, cert) != 1 ? -1 : 0;
}

static void
copy_cert(struct aio__tls_info *info, BIO *bio, const long at[PARTS])
{
    const char *data;
    size_t size = (size_t) BIO_get_mem_data(bio, &data);

    info->text = aio__alloc(size);
    if (info->text == NULL)
        return;
    info->text_size = size;
    memcpy(info->text, data, size);
    info->peercert = (asyncio_peercert_t){
        .subject = info->text + at[SUBJECT],
        .issuer = info->text + at[ISSUER],
        .serial_number = info->text + at[SERIAL],
        .not_before = info->text + at[NOT_BEFORE],
        .not_after = info->text + at[NOT_AFTER],
        .subject_alt_name = info->text + at[ALT_NAME],
        .der = info->text + at[DER],
        .der_size = size - (size_t) at[DER]};
}

static void
describe_cert(struct aio__tls_info *info, SSL *ssl)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    BIO *bio = cert != NULL ? BIO_new(BIO_s_mem()) : NULL;
    long at[PARTS];

    if (bio != NULL && print_cert(bio, cert, at) == 0)
        copy_cert(info, bio, at);
    BIO_free(bio);
    X509_free(cert);
}

static struct aio__tls_info *
info_of(struct aio__tls *tls)
{
    struct aio__tls_info *info = tls->info;
    const unsigned char *alpn;
    unsigned int size;

    if (info != NULL)
        return info;
    info = aio__calloc(1, sizeof *info);
    if (info == NULL)
        return NULL;
    ERR_clear_error();
    info->cipher = (asyncio_cipher_t){
        .name = SSL_get_cipher_name(tls->ssl),
        .protocol = SSL_get_version(tls->ssl),
        .secret_bits = SSL_get_cipher_bits(tls->ssl, NULL)};
    SSL_get0_alpn_selected(tls->ssl, &alpn, &size);
    if (size > 0)
        memcpy(info->alpn, alpn, size);
    describe_cert(info, tls->ssl);
    ERR_clear_error();
    tls->info = info;
    return info;
}

void
aio__tls_info_free(struct aio__tls_info *info)
{
    if (info == NULL)
        return;
    if (info->text != NULL)
        aio__free(info->text, info->text_size);
    aio__free(info, sizeof *info);
}

const void *
aio__tls_extra(asyncio_transport_t *transport, const char *name)
{
    struct aio__tls *tls = aio__container_of(transport, struct aio__tls, base);
    const struct aio__tls_info *info;

    if (strcmp(name, "sslcontext") == 0)
        return &tls->context->base;
    if (strcmp(name, "compression") == 0)
        return NULL;
    if (strcmp(name, "ssl_object") == 0)
        return SSL_is_init_finished(tls->ssl) ? tls->ssl : NULL;
    if (strcmp(name, "peercert") == 0 || strcmp(name, "cipher") == 0
        || strcmp(name, "alpn_protocol") == 0) {
        info = SSL_is_init_finished(tls->ssl) ? info_of(tls) : NULL;
        if (info == NULL)
            return NULL;
        if (name[0] == 'c')
            return &info->cipher;
        if (name[0] == 'a')
            return info->alpn[0] != '\0' ? info->alpn : NULL;
        return info->text != NULL ? &info->peercert : NULL;
    }
    if (tls->below == NULL || tls->lost)
        return NULL;
    return asyncio_transport_get_extra_info(tls->below, name);
}
