/* SPDX-License-Identifier: MIT */
/*
 * Faults of the system on one descriptor: a call that fails, takes only some
 * of the bytes, or is counted.
 *
 *     fault(SEND, fd, .limit = 3);      the next send takes three bytes
 *     fault(RECV, fd, .error = EINTR);  the next recv is interrupted
 *     fault(SEND, fd, .times = -1);     counts: faults[SEND].seen
 *
 * The functions below take the place of the C library's in the program that
 * includes this header, which only one of its files may do.
 */
#ifndef TEST_SUPPORT_FAULTS_H
#define TEST_SUPPORT_FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault_call { RECV, SEND, SENDMSG, SENDTO, RECVFROM, READ, WRITEV, CALLS };

struct fault {
    int fd;
    int error;    /* 0: none */
    size_t limit; /* bytes; 0: none, unless nothing is true */
    bool nothing; /* takes no bytes at all */
    int times;    /* how often; 0: once, less: always */
    int seen;     /* calls on that descriptor */
};

static struct fault faults[CALLS];

/* clang-format off */
#define fault(call_, fd_, ...) \
    (faults[call_] = (struct fault){.fd = (fd_), .seen = 0, __VA_ARGS__})
/* clang-format on */

/* -1: it fails, 0: it takes nothing; else how many bytes it may take. */
static ssize_t
fault_of(enum fault_call call, int fd, size_t size)
{
    struct fault *f = &faults[call];

    if (f->fd != fd || fd < 0)
        return (ssize_t) size;
    f->seen++;
    if (f->times > 0 && f->seen > f->times)
        return (ssize_t) size;
    if (f->times == 0 && f->seen > 1)
        return (ssize_t) size;
    if (f->error != 0) {
        errno = f->error;
        return -1;
    }
    if (f->nothing)
        return 0;
    return (ssize_t) (f->limit > 0 && f->limit < size ? f->limit : size);
}

ssize_t
recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t n = fault_of(RECV, fd, size);

    return n < 0 ? -1
                 : syscall(SYS_recvfrom, fd, buffer, (size_t) n, flags, NULL,
                           NULL);
}

ssize_t
send(int fd, const void *data, size_t size, int flags)
{
    ssize_t n = fault_of(SEND, fd, size);

    return n <= 0 ? n
                  : syscall(SYS_sendto, fd, data, (size_t) n, flags, NULL, 0);
}

/* As many bytes of `from` as `size`. */
static int
fault_cut(struct iovec *to, const struct iovec *from, size_t count, size_t size)
{
    int n = 0;

    for (size_t i = 0; i < count && i < 64 && size > 0; i++) {
        to[n] = from[i];
        if (to[n].iov_len > size)
            to[n].iov_len = size;
        size -= to[n++].iov_len;
    }
    return n;
}

static size_t
fault_size(const struct iovec *iov, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += iov[i].iov_len;
    return size;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t size = fault_size(message->msg_iov, message->msg_iovlen);
    ssize_t n = fault_of(SENDMSG, fd, size);
    struct msghdr cut = *message;
    struct iovec iov[64];

    if (n <= 0)
        return n;
    if ((size_t) n < size) {
        cut.msg_iovlen = (size_t) fault_cut(iov, message->msg_iov,
                                            message->msg_iovlen, (size_t) n);
        cut.msg_iov = iov;
    }
    return syscall(SYS_sendmsg, fd, &cut, flags);
}

ssize_t
writev(int fd, const struct iovec *from, int count)
{
    size_t size = fault_size(from, (size_t) count);
    ssize_t n = fault_of(WRITEV, fd, size);
    struct iovec iov[64];

    if (n <= 0)
        return n;
    if ((size_t) n < size) {
        count = fault_cut(iov, from, (size_t) count, (size_t) n);
        from = iov;
    }
    return syscall(SYS_writev, fd, from, count);
}

ssize_t
read(int fd, void *buffer, size_t size)
{
    ssize_t n = fault_of(READ, fd, size);

    return n < 0 ? -1 : syscall(SYS_read, fd, buffer, (size_t) n);
}

ssize_t
sendto(int fd, const void *data, size_t size, int flags,
       __CONST_SOCKADDR_ARG addr, socklen_t addr_size)
{
    ssize_t n = fault_of(SENDTO, fd, size + 1);
    const struct sockaddr *to;

    memcpy(&to, &addr, sizeof to); /* a union of pointers, for some compilers */
    return n <= 0 ? n
                  : syscall(SYS_sendto, fd, data, size, flags, to, addr_size);
}

ssize_t
recvfrom(int fd, void *buffer, size_t size, int flags, __SOCKADDR_ARG addr,
         socklen_t *addr_size)
{
    ssize_t n = fault_of(RECVFROM, fd, size);
    struct sockaddr *from;

    memcpy(&from, &addr, sizeof from);
    return n < 0 ? -1
                 : syscall(SYS_recvfrom, fd, buffer, size, flags, from,
                           addr_size);
}

#endif
