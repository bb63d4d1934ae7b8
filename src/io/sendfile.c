/* SPDX-License-Identifier: MIT */
/*
 * sock_sendfile: the kernel's sendfile, or reading and sending.
 *
 * The kernel is tried first; an error of its very first call only means that
 * it cannot do this file, and nothing has been sent. The fallback reads with
 * a buffer of its own. Whatever happens, the file's position ends behind the
 * bytes that went out.
 *
 * Python counterpart: loop.sock_sendfile, sock_sendfile of unix_events.
 */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/sock.h"
#include "loop/fiber.h"

enum {
    CHUNK_MAX = 1 << 30,
    BUFFER_SIZE = 16 * 1024
};

/* One call, on the stack of its task. */
struct transfer {
    asyncio_loop_t *loop;
    int sock;
    int file;
    off_t offset;
    int64_t left; /* bytes; -1: to the end of the file */
    int64_t sent;
};

static int
not_available(const char *why)
{
    return asyncio_raise_at(ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE, NULL, 0, "%s",
                            why);
}

static size_t
chunk(const struct transfer *transfer, size_t max)
{
    return transfer->left >= 0 && (uint64_t) transfer->left < max
        ? (size_t) transfer->left
        : max;
}

static void
account(struct transfer *transfer, size_t n)
{
    transfer->offset += (off_t) n;
    transfer->sent += (int64_t) n;
    if (transfer->left >= 0)
        transfer->left -= (int64_t) n;
}

static int
native(struct transfer *transfer)
{
    struct stat stat;
    int r = 0;

    if (fstat(transfer->file, &stat) < 0 || !S_ISREG(stat.st_mode))
        return not_available("not a regular file");
    while (r == 0 && transfer->left != 0) {
        off_t offset = transfer->offset;
        ssize_t n = sendfile(transfer->sock, transfer->file, &offset,
                             chunk(transfer, CHUNK_MAX));

        if (n == 0)
            break;
        if (n > 0) {
            account(transfer, (size_t) n);
        } else if (transfer->sent == 0 && errno != EAGAIN && errno != EINTR
                   && errno != EPIPE && errno != ECONNRESET
                   && errno != ENOTCONN) {
            return not_available("os.sendfile call failed");
        } else {
            r = aio__sock_retry(transfer->loop, transfer->sock, AIO__WRITE);
        }
    }
    return r;
}

/* Each piece that goes out counts at once: a cancellation or an error in the
 * middle leaves the position where the bytes end. */
static int
send_buffer(struct transfer *transfer, const char *buffer, size_t size)
{
    int r = 0;

    while (r == 0 && size > 0) {
        ssize_t n = send(transfer->sock, buffer, size, MSG_NOSIGNAL);

        if (n < 0) {
            r = aio__sock_retry(transfer->loop, transfer->sock, AIO__WRITE);
            continue;
        }
        account(transfer, (size_t) n);
        buffer += n;
        size -= (size_t) n;
    }
    return r;
}

static int
read_and_send(struct transfer *transfer, char *buffer)
{
    int r = 0;

    while (r == 0 && transfer->left != 0) {
        ssize_t n = pread(transfer->file, buffer,
                          chunk(transfer, BUFFER_SIZE), transfer->offset);

        /* A pipe has no positions; what it gives comes in order. */
        if (n < 0 && errno == ESPIPE && transfer->offset == transfer->sent)
            n = read(transfer->file, buffer, chunk(transfer, BUFFER_SIZE));
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        r = send_buffer(transfer, buffer, (size_t) n);
    }
    return r;
}

static int
fallback(struct transfer *transfer)
{
    char *buffer = aio__alloc(BUFFER_SIZE);
    int r;

    if (buffer == NULL)
        return UV_ENOMEM;
    r = read_and_send(transfer, buffer);
    aio__free(buffer, BUFFER_SIZE);
    return r;
}

static int
check_args(int sock, int64_t offset, int64_t count)
{
    socklen_t size = sizeof(int);
    int type;

    if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -errno;
    if (type != SOCK_STREAM)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "only SOCK_STREAM type sockets are supported");
    if (count < 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "count must be a positive integer");
    if (offset < 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "offset must be a non-negative integer");
    return 0;
}

int64_t
asyncio_loop_sock_sendfile(asyncio_loop_t *loop, int sock, int file,
                           const asyncio_loop_sock_sendfile_options_t *options)
{
    int64_t count = aio__option(options, count, 0);
    struct transfer transfer = {.loop = loop,
                                .sock = sock,
                                .file = file,
                                .offset = aio__option(options, offset, 0),
                                .left = count != 0 ? count : -1};
    int r;

    r = aio__sock_check(loop, sock);
    if (r == 0)
        r = check_args(sock, transfer.offset, count);
    if (r < 0)
        return r;
    r = native(&transfer);
    if (r == ASYNCIO_ERR_SENDFILE_NOT_AVAILABLE
        && !aio__option(options, no_fallback, false))
        r = fallback(&transfer);
    if (transfer.sent > 0)
        lseek(file, transfer.offset, SEEK_SET);
    return r < 0 ? r : transfer.sent;
}
