/* SPDX-License-Identifier: MIT */
/*
 * Pipes, terminals and FIFOs as transports.
 *
 * Python counterpart: connect_read_pipe and connect_write_pipe.
 */
#include <errno.h>
#include <sys/stat.h>

#include "io/connect.h"

static int
check_pipe(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode))
        return 0;
    return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                            "Pipe transport is only for pipes, sockets and "
                            "character devices");
}

static int
connect_pipe(asyncio_loop_t *loop, enum aio__conn_kind kind,
             asyncio_protocol_factory_t factory, int pipe,
             asyncio_transport_t **ret_transport,
             asyncio_protocol_t **ret_protocol,
             const asyncio_connection_options_t *options)
{
    asyncio_connection_options_t plain = {
        .size = sizeof plain, .arg = aio__option(options, arg, NULL)};
    int r;

    r = aio__connect_check(loop, factory);
    if (r >= 0)
        r = check_pipe(pipe);
    if (r < 0)
        return r;
    return aio__connect_transport(loop, kind, &pipe, factory, &plain, false,
                                  NULL, ret_transport, ret_protocol);
}

int
asyncio_loop_connect_read_pipe(asyncio_loop_t *loop,
                               asyncio_protocol_factory_t protocol_factory,
                               int pipe, asyncio_transport_t **ret_transport,
                               asyncio_protocol_t **ret_protocol,
                               const asyncio_connection_options_t *options)
{
    return connect_pipe(loop, AIO__CONN_READ_PIPE, protocol_factory, pipe,
                        ret_transport, ret_protocol, options);
}

int
asyncio_loop_connect_write_pipe(asyncio_loop_t *loop,
                                asyncio_protocol_factory_t protocol_factory,
                                int pipe, asyncio_transport_t **ret_transport,
                                asyncio_protocol_t **ret_protocol,
                                const asyncio_connection_options_t *options)
{
    return connect_pipe(loop, AIO__CONN_WRITE_PIPE, protocol_factory, pipe,
                        ret_transport, ret_protocol, options);
}
