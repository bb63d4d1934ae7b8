/* SPDX-License-Identifier: MIT */
/*
 * Connections: writing.
 *
 * What the system takes at once is never copied. The rest waits in the queue,
 * and while it does, everything written goes behind it: bytes leave in the
 * order of the calls. After an error further writes are counted and thrown
 * away; the program learns of it by connection_lost.
 *
 * Python counterpart: write() and its kin of _SelectorSocketTransport.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io/conn.h"
#include "loop/report.h"

enum { IOV_SOME = 64 }; /* pieces of one system call */

static struct aio__conn *
conn_of(asyncio_transport_t *transport)
{
    return aio__container_of(transport, struct aio__conn, base);
}

/* A pipe has no MSG_NOSIGNAL: block the signal, and take back the one that
 * was raised unless one was pending before. */
static ssize_t
write_pipe(int fd, const struct iovec *iov, int count)
{
    static const struct timespec now = {0, 0};
    sigset_t sigpipe, former, pending;
    bool was_pending;
    ssize_t n;
    int error;

    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &former);
    n = writev(fd, iov, count);
    error = errno;
    if (n < 0 && error == EPIPE && !was_pending)
        while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    errno = error;
    return n;
}

/* Of a system call: bytes sent, 0 when it would block, or an error. */
aio__inline ssize_t
outcome(ssize_t n)
{
    if (aio__likely(n >= 0))
        return n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return -errno;
}

aio__inline ssize_t
send_one(struct aio__conn *conn, const void *data, size_t size)
{
    struct iovec iov = {.iov_base = (void *) (uintptr_t) data,
                        .iov_len = size};

    if (aio__unlikely(conn->kind != AIO__CONN_SOCKET))
        return outcome(write_pipe(conn->fd, &iov, 1));
    return outcome(send(conn->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static ssize_t
send_some(struct aio__conn *conn, const struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *) (uintptr_t) iov,
                             .msg_iovlen = (size_t) count};

    if (count == 1)
        return send_one(conn, iov->iov_base, iov->iov_len);
    if (conn->kind != AIO__CONN_SOCKET)
        return outcome(write_pipe(conn->fd, iov, count));
    return outcome(sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static int
refused(struct aio__conn *conn, const char *name)
{
    if (conn->eof)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Cannot call %s() after write_eof()", name);
    if (conn->sending_file)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "unable to %s; sendfile is in progress", name);
    return 0;
}

/* Nobody will get what is written now. A pipe that closes takes no more, a
 * socket as long as something waits before it. */
static bool
is_lost(const struct aio__conn *conn)
{
    return conn->base.closing
        && (conn->losing || conn->kind != AIO__CONN_SOCKET);
}

static void
broke(struct aio__conn *conn, int code)
{
    if (conn->kind != AIO__CONN_SOCKET)
        conn->lost_writes++;
    aio__conn_broke(conn, code,
                    conn->kind == AIO__CONN_SOCKET
                        ? "Fatal write error on socket transport"
                        : "Fatal write error on pipe transport");
}

static void
count_lost(struct aio__conn *conn)
{
    if (conn->lost_writes >= AIO__LOST_WRITES_LOG)
        aio__log(ASYNCIO_LOG_WARNING,
                 conn->kind == AIO__CONN_SOCKET
                     ? "socket.send() raised exception."
                     : "pipe closed by peer or os.write(pipe, data) raised "
                       "exception.");
    conn->lost_writes++;
}

/* What was not sent could not be kept: `sent` of it are on their way, so the
 * stream is broken unless that is 0. */
static int
no_memory(struct aio__conn *conn, size_t sent)
{
    if (sent > 0)
        broke(conn, UV_ENOMEM);
    return UV_ENOMEM;
}

/* Something waits from now on. */
static void
queued(struct aio__conn *conn)
{
    aio__conn_poll(conn);
    aio__transport_grew(&conn->base, conn->queue.size);
}

/* Only `n` bytes of it were sent, or that is an error. */
static __attribute__((noinline)) int
write_rest(struct aio__conn *conn, const void *data, size_t size, ssize_t n)
{
    if (n < 0) {
        broke(conn, (int) n);
        return 0;
    }
    if (aio__wqueue_copy(&conn->queue, (const char *) data + n,
                         size - (size_t) n)
        < 0)
        return no_memory(conn, (size_t) n);
    queued(conn);
    return 0;
}

int
aio__conn_write(asyncio_transport_t *transport, const void *data, size_t size)
{
    struct aio__conn *conn = conn_of(transport);
    ssize_t n = 0;

    if (aio__unlikely(conn->eof || conn->sending_file))
        return refused(conn, "write");
    if (size == 0)
        return 0;
    if (aio__unlikely(is_lost(conn))) {
        count_lost(conn);
        return 0;
    }
    if (aio__likely(conn->queue.size == 0)) {
        n = send_one(conn, data, size);
        if (aio__likely((size_t) n == size))
            return 0;
    }
    return write_rest(conn, data, size, n);
}

int
aio__conn_write_owned(asyncio_transport_t *transport, void *data, size_t size,
                      asyncio_drop_t drop)
{
    struct aio__conn *conn = conn_of(transport);
    ssize_t n = 0;
    int r = 0;

    if (conn->eof || conn->sending_file) {
        r = refused(conn, "write");
        goto done;
    }
    if (size == 0)
        goto done;
    if (is_lost(conn)) {
        count_lost(conn);
        goto done;
    }
    if (conn->queue.size == 0) {
        n = send_one(conn, data, size);
        if (n < 0)
            broke(conn, (int) n);
        if (n < 0 || (size_t) n == size)
            goto done;
    }
    r = aio__wqueue_own(&conn->queue, data, size, (size_t) n, drop);
    if (r >= 0) {
        queued(conn);
        return 0;
    }
    no_memory(conn, (size_t) n);
done:
    if (drop != NULL)
        drop(data);
    return r;
}

/* Send what goes at once, many buffers in a call; how many bytes, or an
 * error. */
static ssize_t
send_first(struct aio__conn *conn, const asyncio_bytes_t *buffers,
           size_t count)
{
    struct iovec iov[IOV_SOME];
    size_t asked, sent = 0, i = 0;
    ssize_t n;

    do {
        int some = 0;

        for (asked = 0; i < count && some < IOV_SOME; i++)
            if (buffers[i].size > 0) {
                iov[some++] = (struct iovec){
                    .iov_base = (void *) (uintptr_t) buffers[i].data,
                    .iov_len = buffers[i].size};
                asked += buffers[i].size;
            }
        n = some > 0 ? send_some(conn, iov, some) : 0;
        if (n < 0)
            return n;
        sent += (size_t) n;
    } while (asked > 0 && (size_t) n == asked);
    return (ssize_t) sent;
}

/* Queue what comes behind the first `skip` bytes: all of it, or nothing. */
static int
queue_rest(struct aio__conn *conn, const asyncio_bytes_t *buffers,
           size_t count, size_t skip)
{
    size_t size = 0;
    int r;

    for (size_t i = 0; i < count; i++)
        size += buffers[i].size;
    if (size == skip)
        return 0;
    r = aio__wqueue_room(&conn->queue, size - skip);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        size_t done = buffers[i].size < skip ? buffers[i].size : skip;

        skip -= done;
        if (buffers[i].size > done)
            aio__wqueue_copy(&conn->queue,
                             (const char *) buffers[i].data + done,
                             buffers[i].size - done);
    }
    queued(conn);
    return 0;
}

int
aio__conn_writelines(asyncio_transport_t *transport,
                     const asyncio_bytes_t *buffers, size_t count)
{
    struct aio__conn *conn = conn_of(transport);
    ssize_t sent = 0;

    if (conn->eof || conn->sending_file)
        return refused(conn, "writelines");
    if (count == 0)
        return 0;
    if (is_lost(conn)) {
        count_lost(conn);
        return 0;
    }
    if (conn->queue.size == 0)
        sent = send_first(conn, buffers, count);
    if (sent < 0) {
        broke(conn, (int) sent);
        return 0;
    }
    if (queue_rest(conn, buffers, count, (size_t) sent) < 0)
        return no_memory(conn, (size_t) sent);
    return 0;
}

static int
shut_down(struct aio__conn *conn)
{
    return shutdown(conn->fd, SHUT_WR) < 0 ? -errno : 0;
}

int
aio__conn_write_eof(asyncio_transport_t *transport)
{
    struct aio__conn *conn = conn_of(transport);

    if (transport->closing || conn->eof)
        return 0;
    if (conn->kind != AIO__CONN_SOCKET) {
        asyncio_transport_close(transport); /* there is only one side */
        return 0;
    }
    conn->eof = true;
    return conn->queue.size == 0 ? shut_down(conn) : 0;
}

size_t
aio__conn_buffered(const asyncio_transport_t *transport)
{
    return ((const struct aio__conn *) (const void *) transport)->queue.size;
}

/* The queue has become empty. */
static void
flushed(struct aio__conn *conn)
{
    aio__conn_poll(conn);
    if (conn->empty != NULL) {
        aio__wake(conn->empty, 0);
        conn->empty = NULL;
    }
    if (conn->base.closing) {
        if (!conn->losing)
            aio__conn_lose_now(conn);
    } else if (conn->eof)
        shut_down(conn);
}

/* The socket takes bytes again. */
void
aio__conn_flush(struct aio__conn *conn)
{
    struct iovec iov[IOV_SOME];
    int count = aio__wqueue_peek(&conn->queue, iov, IOV_SOME);
    ssize_t n = send_some(conn, iov, count);

    if (n < 0) {
        if (conn->empty != NULL) {
            aio__wake(conn->empty, (int) n);
            conn->empty = NULL;
        }
        broke(conn, (int) n);
        return;
    }
    aio__wqueue_sent(&conn->queue, (size_t) n);
    aio__transport_shrank(&conn->base, conn->queue.size);
    if (conn->queue.size == 0)
        flushed(conn);
}
