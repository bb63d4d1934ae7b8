/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_NET_H
#define ASYNCIO_NET_H

/**
 * @file net.h
 * What a loop does with the network: names, connections, servers.
 *
 * Keywords whose default is True in Python are called `no_...` here, so that
 * a keyword left out is always 0.
 */

#include "events.h"
#include "transports.h"

struct addrinfo;

ASYNCIO_BEGIN_DECLS

/** "None" where a port is asked for. */
#define ASYNCIO_NO_PORT (-1)

/** Where a socket is to be bound. */
typedef struct asyncio_address {
    const char *host; /* NULL: none is given */
    int port;         /* 0: any */
} asyncio_address_t;

typedef struct asyncio_getaddrinfo_options {
    size_t size;
    int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
    int type;   /* SOCK_STREAM, SOCK_DGRAM; 0: all */
    int proto;
    int flags;  /* AI_... */
} asyncio_getaddrinfo_options_t;

/**
 * Resolve a name, without keeping the loop or files waiting.
 *
 * @python   loop.getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)
 * @param    loop      the running loop
 * @param    host      a name, an address, or NULL; at most 255 bytes
 * @param    service   a number, a name like "http", or NULL
 * @param    ret       gets the list; give it back with asyncio_freeaddrinfo()
 * @param    options   keywords, or NULL
 * @return   0; UV_EAI_... ; UV_EINVAL for names that are empty or too long, or
 *           a port out of range; UV_ENOMEM; ASYNCIO_ERR_CANCELLED (at once: the
 *           look-up goes on in its thread and its result is dropped)
 * @suspends unless host and service are numbers
 */
ASYNCIO_AWAITS int
asyncio_loop_getaddrinfo(asyncio_loop_t *loop, const char *host,
                         const char *service, struct addrinfo **ret,
                         const asyncio_getaddrinfo_options_t *options);

/**
 * Give back what asyncio_loop_getaddrinfo() gave.
 *
 * @python   del
 * @param    list  may be NULL
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_freeaddrinfo(struct addrinfo *list);

/** What getnameinfo finds. */
typedef struct asyncio_nameinfo {
    char host[1025];
    char service[32];
} asyncio_nameinfo_t;

/**
 * Find the name of an address.
 *
 * @python   loop.getnameinfo(sockaddr, flags=0)
 * @param    loop      the running loop
 * @param    sockaddr  the address; copied
 * @param    flags     NI_...
 * @param    ret       gets the names
 * @return   0; UV_EAI_...; UV_EINVAL for what is no address of the Internet;
 *           UV_ENOMEM; ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_getnameinfo(asyncio_loop_t *loop,
                                            const struct sockaddr *sockaddr,
                                            int flags, asyncio_nameinfo_t *ret);

/**
 * An address as text: "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80", "/tmp/x",
 * "@abstract".
 *
 * @python   str(address)
 * @param    sockaddr  an address; NULL: ""
 * @param    buffer    gets the text, always terminated
 * @param    size      of the buffer, in bytes
 * @return   the length it has, or would have, without the terminator
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_sockaddr_repr(const struct sockaddr *sockaddr,
                                            char *buffer, size_t size);

/**
 * The port of an address.
 *
 * @python   address[1]
 * @param    sockaddr  an address
 * @return   its port, or -1 when it has none
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_sockaddr_port(const struct sockaddr *sockaddr);

/** Of create_connection, open_connection and their kin. */
typedef struct asyncio_connection_options {
    size_t size;
    void *arg;                  /* of the protocol factory */
    asyncio_ssl_context_t *ssl; /* NULL: none */
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
    int proto;
    int flags;                  /* AI_... */
    const int *sock;            /* a connected one to use, instead of host and
                                   port; taken over when this succeeds or is
                                   cancelled */
    asyncio_address_t local_addr;    /* to bind to before connecting */
    const char *server_hostname;     /* to verify; NULL: the host */
    double ssl_handshake_timeout;    /* seconds; 0: 60 */
    double ssl_shutdown_timeout;     /* seconds; 0: 30 */
    double happy_eyeballs_delay;     /* seconds, as RFC 8305 wants 0.25; 0: try
                                        one address after the other */
    int interleave;                  /* of the first family before others; 0: 1
                                        with a delay, else none; -1: none */
    bool all_errors;                 /* an error group instead of a summary */
    size_t limit;                    /* streams: of the reader; 0: 64 KiB */
    size_t path_size;                /* Unix: of a path with NUL; 0: a string */
} asyncio_connection_options_t;

/**
 * Connect to a TCP server.
 *
 * @python   loop.create_connection(protocol_factory, host, port, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  called once there is a connection
 * @param    host              a name or an address; NULL: this machine
 * @param    port              0 to 65535, or ASYNCIO_NO_PORT
 * @param    ret_transport     gets the transport, borrowed until
 *                             connection_lost; may be NULL
 * @param    ret_protocol      gets the protocol; may be NULL
 * @param    options           keywords, or NULL
 * @return   0, after connection_made; an error of name resolution; the error of
 *           connecting (UV_ECONNREFUSED, UV_ENETUNREACH, ...), and when
 *           several addresses failed in different ways that of the first one,
 *           with a message that begins "Multiple exceptions: "; ASYNCIO_ERR_EXCEPTION_GROUP with
 *           all_errors; ASYNCIO_ERR_VALUE for keywords that contradict each
 *           other; UV_EINVAL for a port out of range; UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_create_connection(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *host, int port, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options);

/** A listening server; counted. */
typedef struct asyncio_server asyncio_server_t;

/** Of create_server, start_server and their kin. */
typedef struct asyncio_server_options {
    size_t size;
    void *arg;                  /* of the protocol factory or the callback */
    asyncio_drop_t drop;        /* of arg: when the server and its connections
                                   are gone, or when this fails */
    const char *const *hosts;   /* several, then NULL; instead of host */
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
    int flags;                  /* AI_...; 0: AI_PASSIVE */
    const int *sock;            /* a bound one to use, instead of host and port;
                                   taken over when this succeeds */
    int backlog;                /* 0: 100 */
    asyncio_ssl_context_t *ssl; /* NULL: none */
    bool no_reuse_address;
    bool reuse_port;            /* several loops may share the port */
    bool keep_alive;
    double ssl_handshake_timeout; /* seconds; 0: 60 */
    double ssl_shutdown_timeout;  /* seconds; 0: 30 */
    bool no_start_serving;      /* listen when start_serving is called */
    size_t limit;               /* streams: of the readers; 0: 64 KiB */
    size_t stack_size;          /* streams: of the handlers; 0: the loop's */
    bool callback;              /* streams: the callback is none that awaits */
    bool no_cleanup_socket;     /* Unix: leave the file when closed */
    size_t path_size;           /* Unix: of a path with NUL; 0: a string */
} asyncio_server_options_t;

/**
 * Make a TCP server that listens on all addresses of a host.
 *
 * @python   loop.create_server(protocol_factory, host, port, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  called for each connection
 * @param    host              a name or an address; NULL or "": all interfaces
 * @param    port              0 to 65535, or ASYNCIO_NO_PORT
 * @param    ret_server        gets a reference; dropping it does not close it
 * @param    options           keywords, or NULL
 * @return   0; an error of name resolution or of bind() (UV_EADDRINUSE, ...);
 *           ASYNCIO_ERR_VALUE for keywords that contradict each other;
 *           UV_EINVAL for a port out of range; UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_create_server(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *host, int port, asyncio_server_t **ret_server,
    const asyncio_server_options_t *options);

/**
 * Take a reference.
 *
 * @python   (a reference)
 * @param    server  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_server_t *asyncio_server_ref(asyncio_server_t *server);

/**
 * Drop a reference. An open server goes on serving.
 *
 * @python   del
 * @param    server  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_server_t *asyncio_server_unref(asyncio_server_t *server);

/**
 * Stop listening. Connections stay; closing twice is harmless.
 *
 * @python   Server.close()
 * @param    server  a server
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_server_close(asyncio_server_t *server);

/**
 * Wait until the server is closed and all its connections have ended.
 *
 * @python   Server.wait_closed()
 * @param    server  of the running loop
 * @return   0; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_NO_RUNNING_LOOP
 * @suspends unless that is so
 */
ASYNCIO_AWAITS int asyncio_server_wait_closed(asyncio_server_t *server);

/**
 * Close all connections of a server.
 *
 * @python   Server.close_clients()
 * @param    server  a server
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_server_close_clients(asyncio_server_t *server);

/**
 * Abort all connections of a server.
 *
 * @python   Server.abort_clients()
 * @param    server  a server
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_server_abort_clients(asyncio_server_t *server);

/**
 * @python   Server.get_loop()
 * @param    server  a server
 * @return   borrowed
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *
asyncio_server_get_loop(const asyncio_server_t *server);

/**
 * Begin to accept connections; again is harmless.
 *
 * @python   Server.start_serving()
 * @param    server  of the running loop
 * @return   0; an error of listen(); ASYNCIO_ERR_RUNTIME when closed;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_server_start_serving(asyncio_server_t *server);

/**
 * Serve until cancelled; then the server is closed, and its connections are
 * waited for.
 *
 * @python   Server.serve_forever()
 * @param    server  of the running loop
 * @return   ASYNCIO_ERR_CANCELLED, also when the server is closed;
 *           ASYNCIO_ERR_RUNTIME when it is closed already, or when somebody
 *           else awaits this; an error of listen()
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_server_serve_forever(asyncio_server_t *server);

/**
 * @python   Server.is_serving()
 * @param    server  a server
 * @return   true while it accepts connections
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_server_is_serving(const asyncio_server_t *server);

/**
 * The listening sockets, yours to look at only.
 *
 * @python   Server.sockets
 * @param    server     a server
 * @param    ret_count  gets how many; 0 when closed
 * @return   borrowed, valid until it is closed
 * @suspends never
 */
ASYNCIO_EXPORT const int *asyncio_server_sockets(const asyncio_server_t *server,
                                                 size_t *ret_count);

/**
 * The port of the first listening socket.
 *
 * @python   Server.sockets[0].getsockname()[1]
 * @param    server  a server
 * @return   the port; -1 when closed, or for a Unix socket
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_server_port(const asyncio_server_t *server);

/**
 * Connect to a Unix socket.
 *
 * @python   loop.create_unix_connection(protocol_factory, path, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  called once there is a connection
 * @param    path              of the socket; abstract ones begin with NUL
 * @param    ret_transport     as create_connection
 * @param    ret_protocol      as create_connection
 * @param    options           keywords, or NULL
 * @return   0; UV_ENOENT, UV_ECONNREFUSED, ...; ASYNCIO_ERR_VALUE for keywords
 *           that contradict each other; UV_ENAMETOOLONG; UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_create_unix_connection(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *path, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options);

/**
 * Make a server that listens on a Unix socket. A socket file that is there
 * already is replaced; the own one is removed when the server is closed.
 *
 * @python   loop.create_unix_server(protocol_factory, path, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  called for each connection
 * @param    path              of the socket; abstract ones begin with NUL
 * @param    ret_server        gets a reference; dropping it does not close it
 * @param    options           keywords, or NULL
 * @return   0; UV_EADDRINUSE, also for a file that is no socket; UV_ENOENT, ...;
 *           ASYNCIO_ERR_VALUE for keywords that contradict each other;
 *           UV_ENAMETOOLONG; UV_ENOMEM; ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_create_unix_server(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    const char *path, asyncio_server_t **ret_server,
    const asyncio_server_options_t *options);

/**
 * Make a transport of a socket that was accepted elsewhere.
 *
 * @python   loop.connect_accepted_socket(protocol_factory, sock, ...)
 * @param    loop              the running loop
 * @param    protocol_factory  called once
 * @param    sock              a connected stream socket; taken over when this
 *                             succeeds or is cancelled
 * @param    ret_transport     as create_connection
 * @param    ret_protocol      as create_connection
 * @param    options           keywords, or NULL
 * @return   0; ASYNCIO_ERR_VALUE for what is no stream socket; UV_EBADF;
 *           UV_ENOMEM; ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_connect_accepted_socket(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    int sock, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options);

/**
 * Read from a pipe, a terminal, a FIFO or a socket.
 *
 * @python   loop.connect_read_pipe(protocol_factory, pipe)
 * @param    loop              the running loop
 * @param    protocol_factory  called once
 * @param    pipe              a descriptor; taken over when this succeeds or is
 *                             cancelled
 * @param    ret_transport     as create_connection
 * @param    ret_protocol      as create_connection
 * @param    options           keywords (`.arg`), or NULL
 * @return   0; ASYNCIO_ERR_VALUE for a regular file; UV_EBADF; UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_connect_read_pipe(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    int pipe, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options);

/**
 * Write to a pipe, a terminal, a FIFO or a socket.
 *
 * @python   loop.connect_write_pipe(protocol_factory, pipe)
 * @param    loop              the running loop
 * @param    protocol_factory  called once
 * @param    pipe              a descriptor; taken over when this succeeds or is
 *                             cancelled
 * @param    ret_transport     as create_connection
 * @param    ret_protocol      as create_connection
 * @param    options           keywords (`.arg`), or NULL
 * @return   as asyncio_loop_connect_read_pipe()
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_loop_connect_write_pipe(
    asyncio_loop_t *loop, asyncio_protocol_factory_t protocol_factory,
    int pipe, asyncio_transport_t **ret_transport,
    asyncio_protocol_t **ret_protocol,
    const asyncio_connection_options_t *options);

typedef struct asyncio_start_tls_options {
    size_t size;
    bool server_side;
    const char *server_hostname;  /* to verify and to ask for */
    double ssl_handshake_timeout; /* seconds; 0: 60 */
    double ssl_shutdown_timeout;  /* seconds; 0: 30 */
} asyncio_start_tls_options_t;

/**
 * Put TLS onto a connection. From now on only the new transport may be used;
 * connection_made is not called again, and connection_lost also when this
 * fails.
 *
 * @python   loop.start_tls(transport, protocol, sslcontext, ...)
 * @param    loop           the running loop
 * @param    transport      of a socket, or of TLS
 * @param    protocol       that goes on with the new transport; it belongs to
 *                          that. A former one is yours again
 * @param    sslcontext     not used up
 * @param    ret_transport  gets the new one, borrowed until connection_lost
 * @param    options        keywords, or NULL
 * @return   0, after the handshake; ASYNCIO_ERR_TYPE for a transport that
 *           cannot carry TLS, or no context; ASYNCIO_ERR_VALUE for a hostname
 *           that is missing or none, or a negative timeout;
 *           ASYNCIO_ERR_RUNTIME for a transport that is closing, carries
 *           TLS already, or sends a file; then nothing has changed.
 *           ASYNCIO_ERR_SSL_CERT_VERIFICATION; ASYNCIO_ERR_SSL;
 *           UV_ECONNRESET when the peer went away; UV_ECONNABORTED when it
 *           took too long; UV_ENOTSUP without OpenSSL; UV_ENOMEM;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_loop_start_tls(asyncio_loop_t *loop, asyncio_transport_t *transport,
                       asyncio_protocol_t *protocol,
                       asyncio_ssl_context_t *sslcontext,
                       asyncio_transport_t **ret_transport,
                       const asyncio_start_tls_options_t *options);

typedef struct asyncio_sendfile_options {
    size_t size;
    int64_t offset;   /* where to begin in the file */
    int64_t count;    /* bytes to send; 0: up to the end of the file */
    bool no_fallback; /* fail when the system call does not apply */
} asyncio_sendfile_options_t;

/**
 * Send a file over a transport. Reading from it is paused meanwhile, and
 * nothing else may be written.
 *
 * @python   loop.sendfile(transport, file, offset=0, count=None, fallback=True)
 * @param    loop       the running loop
 * @param    transport  of this loop
 * @param    file       descriptor of a regular file; its position is set to the
 *                      end of what was sent
 * @param    options    keywords, or NULL
 * @return   the bytes sent; ASYNCIO_ERR_RUNTIME when the transport is closing,
 *           sends a file already or carries TLS by start_tls;
 *           ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE with no_fallback;
 *           ASYNCIO_ERR_VALUE for a negative offset or count; an error of the
 *           connection or the file; ASYNCIO_ERR_CANCELLED
 * @suspends always
 */
ASYNCIO_AWAITS int64_t
asyncio_loop_sendfile(asyncio_loop_t *loop, asyncio_transport_t *transport,
                      int file, const asyncio_sendfile_options_t *options);

ASYNCIO_END_DECLS

#endif
