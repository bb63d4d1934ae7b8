/* SPDX-License-Identifier: MIT */
/* Whom a client believes: certificates of all kinds, and names. */
#include "peers.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* The server of a test of certificates has nothing else to say. */
static asyncio_server_t *
serve_certificate(const char *name)
{
    asyncio_ssl_context_t *context;
    char path[512];

    assert_r(asyncio_ssl_context_new_server(&context), 0);
    /* It may have a key that is too short for us. */
    SSL_CTX_set_security_level(asyncio_ssl_context_openssl(context), 0);
    snprintf(path, sizeof path, CERTIFICATES "/%s.pem", name);
    assert_r(asyncio_ssl_context_load_cert_chain(context, path, NULL), 0);
    return serve(echo, NULL, context);
}

static void
assert_refused(const char *certificate, const char *hostname,
               const char *reason)
{
    asyncio_server_t *server = serve_certificate(certificate);
    struct stream s;

    assert_r(try_connect(server, hostname, client_context(), &s),
             ASYNCIO_ERR_SSL_CERT_VERIFICATION);
    assert_message("CERTIFICATE_VERIFY_FAILED");
    assert_message(reason);
    end(server);
}

static void
assert_accepted(const char *certificate, const char *hostname)
{
    asyncio_server_t *server = serve_certificate(certificate);
    struct stream s;

    assert_r(try_connect(server, hostname, client_context(), &s), 0);
    assert_echo(s, "believed\n");
    hang_up(s);
    end(server);
}

static const struct {
    const char *certificate;
    const char *hostname;
    const char *reason; /* NULL: all is well */
} cases[] = {
    {"server", "server.test", NULL},
    {"server", "SERVER.test", NULL},
    {"server", "server.test.", NULL},
    {"server", "127.0.0.1", NULL},
    {"server", "::1", NULL},
    {"server", NULL, NULL}, /* the host, an address */
    {"chained", "server.test", NULL},
    {"wildcard", "a.wild.test", NULL},
    {"server", "elsewhere.test", "Hostname mismatch, certificate is not valid "
                                 "for 'elsewhere.test'"},
    {"server", "127.0.0.2", "IP address mismatch, certificate is not valid "
                            "for '127.0.0.2'"},
    {"wronghost", NULL, "IP address mismatch"},
    {"wildcard", "a.b.wild.test", "Hostname mismatch"},
    {"wildcard", "wild.test", "Hostname mismatch"},
    {"partial", "www.a.test", "Hostname mismatch"},
    {"common", "server.test", "Hostname mismatch"},
    {"self", "server.test", "self-signed certificate"},
    {"unknown", "server.test", "unable to get local issuer certificate"},
    {"unchained", "server.test", "unable to get local issuer certificate"},
    {"expired", "server.test", "certificate has expired"},
    {"future", "server.test", "certificate is not yet valid"},
    {"purpose", "server.test", "unsuitable certificate purpose"},
    {"weakkey", "server.test", "EE certificate key too weak"},
    {"weakhash", "server.test", "CA signature digest algorithm too weak"},
};

/* parity: test_ssl.py TestSSL test_create_connection_ssl_failed_certificate */
/* parity: test_sslproto.py BaseStartTLS test_create_connection_ssl_failed_certificate */
BEHAVIOUR(a_certificate_is_believed_only_when_all_of_it_is_right,
          .times = sizeof cases / sizeof cases[0])
{
    if (cases[_i].reason == NULL)
        assert_accepted(cases[_i].certificate, cases[_i].hostname);
    else
        assert_refused(cases[_i].certificate, cases[_i].hostname,
                       cases[_i].reason);
}

static int connections; /* that a server's program heard of */

static int
note_connection(asyncio_stream_reader_t *reader,
                asyncio_stream_writer_t *writer, void *arg)
{
    connections++;
    return echo(reader, writer, arg);
}

/* parity: test_events.py EventLoopTestsMixin test_create_server_ssl_verify_failed */
BEHAVIOUR(the_servers_program_never_hears_of_a_refused_client)
{
    asyncio_server_t *server =
        serve(note_connection, NULL, server_context("unknown"));
    struct stream s;

    connections = 0;
    assert_r(try_connect(server, "server.test", client_context(), &s),
             ASYNCIO_ERR_SSL_CERT_VERIFICATION);
    assert_r(asyncio_sleep(1), 0);
    /* In TLS 1.3 the server is done before the client refuses. */
    ck_assert_int_le(connections, 1);
    end(server);
}

BEHAVIOUR(the_default_context_does_not_know_the_tests_authority)
{
    asyncio_server_t *server = serve_certificate("server");
    struct stream s;

    assert_r(try_connect(server, "server.test", asyncio_ssl_context_default(),
                         &s),
             ASYNCIO_ERR_SSL_CERT_VERIFICATION);
    end(server);
}

BEHAVIOUR(without_verification_anybody_is_believed)
{
    asyncio_server_t *server = serve_certificate("self");
    asyncio_ssl_context_t *context = client_context();
    struct stream s;

    assert_r(asyncio_ssl_context_set_verify(context, false),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_ssl_context_set_check_hostname(context, false), 0);
    assert_r(asyncio_ssl_context_set_verify(context, false), 0);
    assert_r(asyncio_ssl_context_set_check_hostname(context, true),
             ASYNCIO_ERR_VALUE);
    assert_r(try_connect(server, "other.test", context, &s), 0);
    assert_echo(s, "hello\n");
    hang_up(s);
    end(server);
}

static const char *const no_names[] = {".test", ".", "\xc3\xa4.test", "a b",
                                       "a\n.test"};

BEHAVIOUR(what_is_no_name_is_refused_before_anything_is_sent,
          .times = sizeof no_names / sizeof no_names[0])
{
    asyncio_server_t *server = serve_certificate("server");
    struct stream s;

    assert_r(try_connect(server, no_names[_i], client_context(), &s),
             ASYNCIO_ERR_VALUE);
    end(server);
}

BEHAVIOUR(a_server_may_ask_for_the_clients_certificate)
{
    asyncio_ssl_context_t *theirs = server_context("server");
    asyncio_ssl_context_t *ours = client_context();
    struct stream s;
    char line[16];

    assert_r(asyncio_ssl_context_load_verify_locations(
                 theirs, CERTIFICATES "/ca.crt", NULL),
             0);
    assert_r(asyncio_ssl_context_set_verify(theirs, true), 0);
    asyncio_server_t *server = serve(echo, NULL, theirs);
    /* Without one the refusal comes with the first read. */
    assert_r(try_connect(server, "server.test", client_context(), &s), 0);
    assert_r((int) asyncio_stream_reader_readline(s.reader, line, sizeof line),
             ASYNCIO_ERR_SSL);
    assert_message("CERTIFICATE_REQUIRED");
    drop(s);
    assert_r(asyncio_ssl_context_load_cert_chain(
                 ours, CERTIFICATES "/client.pem", NULL),
             0);
    assert_r(try_connect(server, "server.test", ours, &s), 0);
    assert_echo(s, "hello\n");
    hang_up(s);
    end(server);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_ssl_server_hostname_errors */
BEHAVIOUR(a_client_must_know_whom_it_wants)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_ssl_context_t *context = client_context();
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    int fd = 99;

    assert_r(asyncio_open_connection(NULL, 1, &reader, &writer,
                                     .ssl = context),
             ASYNCIO_ERR_VALUE);
    assert_message("You must set server_hostname when using ssl");
    assert_r(asyncio_open_connection("", 1, &reader, &writer, .ssl = context),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_open_connection(NULL, ASYNCIO_NO_PORT, &reader, &writer,
                                     .ssl = context, .sock = &fd),
             ASYNCIO_ERR_VALUE);
    (void) loop;
    asyncio_ssl_context_unref(context);
}

/* parity: test_base_events.py BaseEventLoopWithSelectorTests test_create_connection_ssl_server_hostname_default */
BEHAVIOUR(the_host_is_the_name_unless_another_one_is_given)
{
    asyncio_server_t *server = serve_certificate("server");
    asyncio_ssl_context_t *context = client_context();
    struct stream s;

    assert_r(asyncio_open_connection("localhost", asyncio_server_port(server),
                                     &s.reader, &s.writer, .ssl = context,
                                     .family = 2 /* AF_INET */),
             0);
    ck_assert_str_eq(
        SSL_get_servername(asyncio_stream_writer_get_extra_info(s.writer,
                                                                "ssl_object"),
                           TLSEXT_NAMETYPE_host_name),
        "localhost");
    hang_up(s);
    assert_r(try_connect(server, "server.test", context, &s), 0);
    ck_assert_str_eq(
        SSL_get_servername(asyncio_stream_writer_get_extra_info(s.writer,
                                                                "ssl_object"),
                           TLSEXT_NAMETYPE_host_name),
        "server.test");
    hang_up(s);
    end(server);
}
