/* SPDX-License-Identifier: MIT */
/*
 * The socket calls that suspend: try; where it would block, wait for the
 * descriptor and try again.
 *
 * Nothing is in the hands of libuv or the kernel while a task waits here, so
 * a cancellation ends the wait at once and loses no byte (policy D).
 *
 * Python counterpart: loop.sock_* of BaseSelectorEventLoop.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/poll.h"
#include "io/sock.h"
#include "loop/fiber.h"

int
aio__sock_check(asyncio_loop_t *loop, int sock)
{
    asyncio_loop_t *running;
    int flags;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (loop != running)
        return loop != NULL ? ASYNCIO_ERR_WRONG_LOOP : UV_EINVAL;
    if (!loop->debug)
        return 0;
    flags = fcntl(sock, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "the socket must be non-blocking");
    return 0;
}

int
aio__sock_retry(asyncio_loop_t *loop, int sock, enum aio__direction direction)
{
    if (errno == EINTR)
        return 0;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return -errno;
    return aio__poll_wait(loop, sock, direction);
}

/* What fits an int; more is sent or received by the next call. */
static size_t
at_most(size_t size)
{
    return size < 1 << 30 ? size : 1 << 30;
}

int
asyncio_loop_sock_recv_into(asyncio_loop_t *loop, int sock, void *buffer,
                            size_t size)
{
    return asyncio_loop_sock_recvfrom_into(loop, sock, buffer, size, NULL,
                                           NULL);
}

int
asyncio_loop_sock_recvfrom_into(asyncio_loop_t *loop, int sock, void *buffer,
                                size_t size, struct sockaddr *ret_addr,
                                unsigned *addr_size)
{
    socklen_t length = addr_size != NULL ? *addr_size : 0;
    ssize_t n;
    int r;

    r = aio__sock_check(loop, sock);
    while (r == 0) {
        n = recvfrom(sock, buffer, at_most(size), 0, ret_addr,
                     ret_addr != NULL ? &length : NULL);
        if (n >= 0) {
            if (addr_size != NULL)
                *addr_size = length;
            return (int) n;
        }
        r = aio__sock_retry(loop, sock, AIO__READ);
    }
    return r;
}

int
asyncio_loop_sock_sendall(asyncio_loop_t *loop, int sock, const void *data,
                          size_t size)
{
    const char *at = data;
    int r;

    r = aio__sock_check(loop, sock);
    while (r == 0 && size > 0) {
        ssize_t n = send(sock, at, at_most(size), MSG_NOSIGNAL);

        if (n >= 0) {
            at += n;
            size -= (size_t) n;
        } else {
            r = aio__sock_retry(loop, sock, AIO__WRITE);
        }
    }
    return r;
}

int
asyncio_loop_sock_sendto(asyncio_loop_t *loop, int sock, const void *data,
                         size_t size, const struct sockaddr *addr,
                         unsigned addr_size)
{
    int r;

    r = aio__sock_check(loop, sock);
    while (r == 0) {
        ssize_t n =
            sendto(sock, data, at_most(size), MSG_NOSIGNAL, addr, addr_size);

        if (n >= 0)
            return (int) n;
        r = aio__sock_retry(loop, sock, AIO__WRITE);
    }
    return r;
}

int
asyncio_loop_sock_connect(asyncio_loop_t *loop, int sock,
                          const struct sockaddr *addr, unsigned addr_size)
{
    socklen_t size = sizeof(int);
    int error;
    int r;

    r = aio__sock_check(loop, sock);
    if (r < 0)
        return r;
    if (connect(sock, addr, addr_size) == 0)
        return 0;
    /* EAGAIN is no "in progress": the queue of a Unix listener is full, and
     * nothing tells when it is not. (Python waits, and says that it were
     * connected.) */
    if (errno != EINPROGRESS && errno != EINTR)
        return asyncio_raise_at(-errno, NULL, 0, "Connect call failed: %s",
                                asyncio_strerror(-errno));
    r = aio__poll_wait(loop, sock, AIO__WRITE);
    if (r < 0)
        return r;
    if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    if (error != 0)
        return asyncio_raise_at(-error, NULL, 0, "Connect call failed: %s",
                                asyncio_strerror(-error));
    return 0;
}

int
asyncio_loop_sock_accept(asyncio_loop_t *loop, int sock,
                         struct sockaddr *ret_addr, unsigned *addr_size)
{
    socklen_t length = addr_size != NULL ? *addr_size : 0;
    int r;

    r = aio__sock_check(loop, sock);
    while (r == 0) {
        int fd = accept4(sock, ret_addr, ret_addr != NULL ? &length : NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            if (addr_size != NULL)
                *addr_size = length;
            return fd;
        }
        if (errno == ECONNABORTED)
            continue; /* it went away while it waited in the queue */
        r = aio__sock_retry(loop, sock, AIO__READ);
    }
    return r;
}
