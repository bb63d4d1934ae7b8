/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_SOCKADDR_H
#define AIO_IO_SOCKADDR_H

/* Addresses: one of a size that holds any, and lists of them. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct aio__addr {
    int family;
    int type;
    int proto;
    socklen_t size; /* of the address, in bytes */
    struct sockaddr_storage addr;
};

struct aio__addrs {
    struct aio__addr *list; /* owned */
    size_t count;
};

void aio__addrs_fini(struct aio__addrs *addrs);
int aio__addrs_add(struct aio__addrs *addrs, const struct aio__addr *addr);

/* What a literal address stands for, without asking anybody. False when the
 * host is no literal, or not of this family, or the kind of socket is not
 * determined. */
bool aio__addr_literal(const char *host, int port, int family, int type,
                       int proto, struct aio__addr *ret);

bool aio__addr_equal(const struct aio__addr *a, const struct aio__addr *b);

/* A Unix address; `size` 0: `path` is a string. */
int aio__addr_unix(const char *path, size_t size, struct aio__addr *ret);

/* Before binding there: remove a socket file that is left over. */
void aio__addr_unix_stale(const struct aio__addr *addr);

#endif
