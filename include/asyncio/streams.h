/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_STREAMS_H
#define ASYNCIO_STREAMS_H

/**
 * @file streams.h
 * Streams: connections as tasks see them.
 *
 * Every read has two forms. One copies to your buffer; the other one, with
 * `_view` in its name, shows the bytes where they are: they are consumed, and
 * the view is valid until the next read from the same reader, whatever else
 * happens meanwhile.
 */

#include "coroutines.h"
#include "net.h"

ASYNCIO_BEGIN_DECLS

/** Opaque, counted. */
typedef struct asyncio_stream_reader asyncio_stream_reader_t;
/** Opaque, counted. */
typedef struct asyncio_stream_writer asyncio_stream_writer_t;

/** All there is until the end of file. */
#define ASYNCIO_READ_ALL SIZE_MAX

/**
 * Connect to a TCP server.
 *
 * @python   asyncio.open_connection(host, port, limit=65536, ...)
 * @param    host        a name or an address; NULL: this machine
 * @param    port        0 to 65535, or ASYNCIO_NO_PORT
 * @param    ret_reader  gets a reference
 * @param    ret_writer  gets a reference
 * @param    options     keywords, or NULL
 * @return   as asyncio_loop_create_connection()
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_open_connection(const char *host, int port,
                        asyncio_stream_reader_t **ret_reader,
                        asyncio_stream_writer_t **ret_writer,
                        const asyncio_connection_options_t *options);

/**
 * Connect to a Unix socket.
 *
 * @python   asyncio.open_unix_connection(path, limit=65536, ...)
 * @param    path        of the socket
 * @param    ret_reader  gets a reference
 * @param    ret_writer  gets a reference
 * @param    options     keywords, or NULL
 * @return   as asyncio_loop_create_unix_connection()
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_open_unix_connection(const char *path,
                             asyncio_stream_reader_t **ret_reader,
                             asyncio_stream_writer_t **ret_writer,
                             const asyncio_connection_options_t *options);

/** Called for each client, in a task of its own (or, with `.callback`, by the
 *  loop). Reader and writer are borrowed: in a task until it ends, else until
 *  connection_lost; take references to keep them. */
typedef int (*asyncio_client_connected_cb_t)(asyncio_stream_reader_t *reader,
                                             asyncio_stream_writer_t *writer,
                                             void *arg);

/**
 * Serve TCP clients.
 *
 * @python   asyncio.start_server(client_connected_cb, host, port, ...)
 * @param    client_connected_cb  called with `.arg` for each client; an error
 *                                that it returns is reported and closes the
 *                                connection
 * @param    host                 NULL or "": all interfaces
 * @param    port                 0 to 65535, or ASYNCIO_NO_PORT
 * @param    ret_server           gets a reference
 * @param    options              keywords, or NULL
 * @return   as asyncio_loop_create_server()
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_start_server(asyncio_client_connected_cb_t client_connected_cb,
                     const char *host, int port, asyncio_server_t **ret_server,
                     const asyncio_server_options_t *options);

/**
 * Serve clients of a Unix socket.
 *
 * @python   asyncio.start_unix_server(client_connected_cb, path, ...)
 * @param    client_connected_cb  as asyncio_start_server()
 * @param    path                 of the socket
 * @param    ret_server           gets a reference
 * @param    options              keywords, or NULL
 * @return   as asyncio_loop_create_unix_server()
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_start_unix_server(asyncio_client_connected_cb_t client_connected_cb,
                          const char *path, asyncio_server_t **ret_server,
                          const asyncio_server_options_t *options);

/**
 * Make a reader that is fed by hand or by a protocol.
 *
 * @python   asyncio.StreamReader(limit=65536)
 * @param    limit       of a line, in bytes; 0: 64 KiB. Twice as much is
 *                       buffered before the transport is paused.
 * @param    ret_reader  gets a reference
 * @return   0; ASYNCIO_ERR_NO_RUNNING_LOOP; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_reader_new(size_t limit, asyncio_stream_reader_t **ret_reader);

/**
 * Take a reference.
 *
 * @python   (a reference)
 * @param    reader  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_reader_t *
asyncio_stream_reader_ref(asyncio_stream_reader_t *reader);

/**
 * Drop a reference.
 *
 * @python   del
 * @param    reader  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_reader_t *
asyncio_stream_reader_unref(asyncio_stream_reader_t *reader);

/**
 * Read up to so many bytes, as soon as there are any.
 *
 * @python   StreamReader.read(n)
 * @param    reader  a reader
 * @param    buffer  gets the bytes
 * @param    n       of the buffer, in bytes; 0 returns at once
 * @return   how many; 0 at the end of file; the error of the connection;
 *           ASYNCIO_ERR_RUNTIME when another task reads;
 *           ASYNCIO_ERR_CANCELLED, and then nothing was consumed
 * @suspends unless there are bytes
 */
ASYNCIO_AWAITS ptrdiff_t asyncio_stream_reader_read(
    asyncio_stream_reader_t *reader, void *buffer, size_t n);

/**
 * The same, without a copy.
 *
 * @python   StreamReader.read(n=-1)
 * @param    reader    a reader
 * @param    n         at most so many bytes; ASYNCIO_READ_ALL: all until the
 *                     end of file
 * @param    ret_view  gets the bytes; empty at the end of file
 * @return   0; errors as asyncio_stream_reader_read(); UV_ENOMEM
 * @suspends unless there are bytes
 */
ASYNCIO_AWAITS int
asyncio_stream_reader_read_view(asyncio_stream_reader_t *reader, size_t n,
                                asyncio_bytes_t *ret_view);

/**
 * Read exactly so many bytes.
 *
 * @python   StreamReader.readexactly(n)
 * @param    reader  a reader
 * @param    buffer  gets the bytes
 * @param    n       how many
 * @return   n; ASYNCIO_ERR_INCOMPLETE_READ at the end of file, with what there
 *           was in asyncio_error_partial(); errors as
 *           asyncio_stream_reader_read()
 * @suspends unless they are there
 */
ASYNCIO_AWAITS ptrdiff_t asyncio_stream_reader_readexactly(
    asyncio_stream_reader_t *reader, void *buffer, size_t n);

/**
 * The same, without a copy.
 *
 * @python   StreamReader.readexactly(n)
 * @param    reader    a reader
 * @param    n         how many
 * @param    ret_view  gets the bytes
 * @return   0; errors as asyncio_stream_reader_readexactly(); UV_ENOMEM
 * @suspends unless they are there
 */
ASYNCIO_AWAITS int
asyncio_stream_reader_readexactly_view(asyncio_stream_reader_t *reader,
                                       size_t n, asyncio_bytes_t *ret_view);

/**
 * Read a line, with its newline; the last one may lack it.
 *
 * @python   StreamReader.readline()
 * @param    reader  a reader
 * @param    buffer  gets the line, terminated by a NUL
 * @param    size    of the buffer, in bytes
 * @return   length of the line; 0 at the end of file; ASYNCIO_ERR_VALUE for a
 *           line above the limit, which is dropped; UV_ENOBUFS when it does not
 *           fit, then nothing is consumed; errors as
 *           asyncio_stream_reader_read()
 * @suspends unless there is a line
 */
ASYNCIO_AWAITS ptrdiff_t asyncio_stream_reader_readline(
    asyncio_stream_reader_t *reader, char *buffer, size_t size);

/**
 * The same, without a copy and without a NUL.
 *
 * @python   StreamReader.readline()
 * @param    reader    a reader
 * @param    ret_view  gets the line; empty at the end of file
 * @return   0; errors as asyncio_stream_reader_readline()
 * @suspends unless there is a line
 */
ASYNCIO_AWAITS int
asyncio_stream_reader_readline_view(asyncio_stream_reader_t *reader,
                                    asyncio_bytes_t *ret_view);

/**
 * For loops over lines: `while ((r = asyncio_stream_reader_next_line(reader,
 * &line)) > 0)`.
 *
 * @python   async for line in reader
 * @param    reader    a reader
 * @param    ret_line  gets the line, with its newline
 * @return   1; 0 at the end of file; errors as
 *           asyncio_stream_reader_readline()
 * @suspends unless there is a line
 */
ASYNCIO_AWAITS int
asyncio_stream_reader_next_line(asyncio_stream_reader_t *reader,
                                asyncio_bytes_t *ret_line);

typedef struct asyncio_readuntil_options {
    size_t size;
    size_t separator_size; /* for one with NUL; 0: it is a string */
    const asyncio_bytes_t *separators; /* several, instead of the one: the
                                          match that ends first counts */
    size_t separator_count;
} asyncio_readuntil_options_t;

/**
 * Read up to a separator, and that too.
 *
 * @python   StreamReader.readuntil(separator=b'\n')
 * @param    reader     a reader
 * @param    separator  a string; NULL: a newline
 * @param    buffer     gets the bytes, terminated by a NUL
 * @param    size       of the buffer, in bytes
 * @param    options    keywords, or NULL
 * @return   how many bytes; ASYNCIO_ERR_INCOMPLETE_READ at the end of file,
 *           with what there was in asyncio_error_partial();
 *           ASYNCIO_ERR_LIMIT_OVERRUN, with asyncio_error_consumed() telling
 *           how many bytes may be skipped, nothing is consumed;
 *           ASYNCIO_ERR_VALUE for an empty separator; UV_ENOBUFS when it does
 *           not fit, nothing is consumed; errors as
 *           asyncio_stream_reader_read()
 * @suspends unless the separator is there
 */
ASYNCIO_AWAITS ptrdiff_t asyncio_stream_reader_readuntil(
    asyncio_stream_reader_t *reader, const char *separator, char *buffer,
    size_t size, const asyncio_readuntil_options_t *options);

/**
 * The same, without a copy and without a NUL.
 *
 * @python   StreamReader.readuntil(separator=b'\n')
 * @param    reader     a reader
 * @param    separator  a string; NULL: a newline
 * @param    ret_view   gets the bytes
 * @param    options    keywords, or NULL
 * @return   0; errors as asyncio_stream_reader_readuntil()
 * @suspends unless the separator is there
 */
ASYNCIO_AWAITS int asyncio_stream_reader_readuntil_view(
    asyncio_stream_reader_t *reader, const char *separator,
    asyncio_bytes_t *ret_view, const asyncio_readuntil_options_t *options);

/**
 * @python   StreamReader.at_eof()
 * @param    reader  a reader
 * @return   true when the end of file came and everything was read
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_stream_reader_at_eof(const asyncio_stream_reader_t *reader);

/**
 * The producer's side: bytes came.
 *
 * @python   StreamReader.feed_data(data)
 * @param    reader  a reader
 * @param    data    the bytes; copied
 * @param    size    how many
 * @return   0; UV_ENOMEM; ASYNCIO_ERR_RUNTIME after feed_eof
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_reader_feed_data(asyncio_stream_reader_t *reader,
                                const void *data, size_t size);

/**
 * The producer's side: no more comes.
 *
 * @python   StreamReader.feed_eof()
 * @param    reader  a reader
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_stream_reader_feed_eof(asyncio_stream_reader_t *reader);

/**
 * The producer's side: from now on reads fail. The detail is that of the
 * newest asyncio_raise() when the code is the same.
 *
 * @python   StreamReader.set_exception(exc)
 * @param    reader  a reader
 * @param    code    an error code < 0
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_stream_reader_set_exception(asyncio_stream_reader_t *reader, int code);

/**
 * @python   StreamReader.exception()
 * @param    reader  a reader
 * @return   borrowed; NULL for none
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_stream_reader_exception(const asyncio_stream_reader_t *reader);

/**
 * Describe a reader in a line: what waits in it, its limit when that is not
 * the usual one, its end, its exception, who waits, and its transport.
 *
 * @python   repr(reader)
 * @param    reader  a reader
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have, without the terminator
 * @suspends never
 */
ASYNCIO_EXPORT size_t
asyncio_stream_reader_repr(const asyncio_stream_reader_t *reader, char *buffer,
                           size_t size);

/**
 * Tell a reader which transport to pause when it has too much.
 *
 * @python   StreamReader.set_transport(transport)
 * @param    reader     a reader
 * @param    transport  a transport
 * @return   0; ASYNCIO_ERR_RUNTIME when it has one
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_reader_set_transport(asyncio_stream_reader_t *reader,
                                    asyncio_transport_t *transport);

/**
 * Make the protocol that feeds a reader, for connections of your own making.
 *
 * @python   asyncio.StreamReaderProtocol(stream_reader)
 * @param    reader        it gets a reference; may be NULL
 * @param    ret_protocol  gets the protocol, for one transport: it is freed
 *                         when that is through with it
 * @return   0; ASYNCIO_ERR_NO_RUNNING_LOOP; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_reader_protocol_new(asyncio_stream_reader_t *reader,
                                   asyncio_protocol_t **ret_protocol);

/**
 * Make a writer for a transport whose protocol is one of
 * asyncio_stream_reader_protocol_new().
 *
 * @python   asyncio.StreamWriter(transport, protocol, reader, loop)
 * @param    transport   a transport; the writer gets a reference
 * @param    protocol    its protocol
 * @param    reader      it gets a reference; may be NULL
 * @param    ret_writer  gets a reference
 * @return   0; UV_ENOMEM; UV_EINVAL for another kind of protocol
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_writer_new(asyncio_transport_t *transport,
                          asyncio_protocol_t *protocol,
                          asyncio_stream_reader_t *reader,
                          asyncio_stream_writer_t **ret_writer);

/**
 * Take a reference.
 *
 * @python   (a reference)
 * @param    writer  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_writer_t *
asyncio_stream_writer_ref(asyncio_stream_writer_t *writer);

/**
 * Drop a reference. The last one of a writer that was not closed closes it,
 * and logs a warning.
 *
 * @python   del
 * @param    writer  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_stream_writer_t *
asyncio_stream_writer_unref(asyncio_stream_writer_t *writer);

/**
 * Send bytes; see asyncio_transport_write(). Await drain() now and then.
 *
 * @python   StreamWriter.write(data)
 * @param    writer  a writer
 * @param    data    the bytes, of which nothing is used after the call
 * @param    size    how many
 * @return   as asyncio_transport_write()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_writer_write(asyncio_stream_writer_t *writer, const void *data,
                            size_t size);

/**
 * Send several buffers, one after the other.
 *
 * @python   StreamWriter.writelines(data)
 * @param    writer   a writer
 * @param    buffers  the buffers
 * @param    count    how many
 * @return   as asyncio_transport_write()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_writer_writelines(asyncio_stream_writer_t *writer,
                                 const asyncio_bytes_t *buffers, size_t count);

/**
 * Wait until it makes sense to write more. Several tasks may.
 *
 * @python   StreamWriter.drain()
 * @param    writer  a writer
 * @return   0; the error of the connection; UV_ECONNRESET "Connection lost";
 *           ASYNCIO_ERR_CANCELLED, and then the bytes go out all the same
 * @suspends when too much waits to be sent, or the transport is closing
 */
ASYNCIO_AWAITS int asyncio_stream_writer_drain(asyncio_stream_writer_t *writer);

/**
 * Send what waits to be sent, then close.
 *
 * @python   StreamWriter.close()
 * @param    writer  a writer
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_stream_writer_close(asyncio_stream_writer_t *writer);

/**
 * @python   StreamWriter.is_closing()
 * @param    writer  a writer
 * @return   true when it closes or is closed
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_stream_writer_is_closing(const asyncio_stream_writer_t *writer);

/**
 * Wait until the connection is closed.
 *
 * @python   StreamWriter.wait_closed()
 * @param    writer  a writer
 * @return   0; the error that the connection was lost with;
 *           ASYNCIO_ERR_CANCELLED
 * @suspends unless it is closed
 */
ASYNCIO_AWAITS int
asyncio_stream_writer_wait_closed(asyncio_stream_writer_t *writer);

/**
 * @python   StreamWriter.can_write_eof()
 * @param    writer  a writer
 * @return   false for TLS
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_stream_writer_can_write_eof(const asyncio_stream_writer_t *writer);

/**
 * Send what waits, then tell the peer that no more comes; reading goes on.
 *
 * @python   StreamWriter.write_eof()
 * @param    writer  a writer
 * @return   as asyncio_transport_write_eof()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_stream_writer_write_eof(asyncio_stream_writer_t *writer);

/**
 * @python   StreamWriter.get_extra_info(name, default=None)
 * @param    writer  a writer
 * @param    name    as asyncio_transport_get_extra_info()
 * @return   borrowed; NULL when there is none
 * @suspends never
 */
ASYNCIO_EXPORT const void *
asyncio_stream_writer_get_extra_info(asyncio_stream_writer_t *writer,
                                     const char *name);

/**
 * @python   StreamWriter.transport
 * @param    writer  a writer
 * @return   borrowed
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_transport_t *
asyncio_stream_writer_transport(const asyncio_stream_writer_t *writer);

/**
 * Upgrade a stream to TLS: send what waits, then shake hands. Reader and
 * writer stay valid.
 *
 * @python   StreamWriter.start_tls(sslcontext, ...)
 * @param    writer      a writer; one that a server gave out is the server's
 *                       side of TLS
 * @param    sslcontext  not used up
 * @param    options     keywords (`.server_side` is ignored), or NULL
 * @return   as asyncio_stream_writer_drain() and asyncio_loop_start_tls()
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_stream_writer_start_tls(asyncio_stream_writer_t *writer,
                                asyncio_ssl_context_t *sslcontext,
                                const asyncio_start_tls_options_t *options);

ASYNCIO_END_DECLS

#endif
