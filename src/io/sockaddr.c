/* SPDX-License-Identifier: MIT */
/*
 * Addresses: literals, comparison, text.
 *
 * A literal address never asks a resolver. One with a zone ("fe80::1%eth0") is
 * left to it, because only the system knows the zones.
 *
 * Python counterpart: base_events._ipaddr_info.
 */
#include "io/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "asyncio/net.h"
#include "base/alloc.h"
#include "loop/exception.h"
#include "uv.h"

void
aio__addrs_fini(struct aio__addrs *addrs)
{
    aio__free(addrs->list, addrs->count * sizeof *addrs->list);
    addrs->list = NULL;
    addrs->count = 0;
}

int
aio__addrs_add(struct aio__addrs *addrs, const struct aio__addr *addr)
{
    struct aio__addr *list =
        aio__realloc(addrs->list, addrs->count * sizeof *list,
                     (addrs->count + 1) * sizeof *list);

    if (list == NULL)
        return UV_ENOMEM;
    addrs->list = list;
    addrs->list[addrs->count++] = *addr;
    return 0;
}

static bool
literal4(const char *host, int port, struct aio__addr *addr)
{
    struct sockaddr_in *in = (struct sockaddr_in *) &addr->addr;

    if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
        return false;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t) port);
    addr->family = AF_INET;
    addr->size = sizeof *in;
    return true;
}

static bool
literal6(const char *host, int port, struct aio__addr *addr)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &addr->addr;

    if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
        return false;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t) port);
    addr->family = AF_INET6;
    addr->size = sizeof *in6;
    return true;
}

bool
aio__addr_literal(const char *host, int port, int family, int type, int proto,
                  struct aio__addr *ret)
{
    struct aio__addr addr = {.type = type};

    if (host == NULL || strchr(host, '%') != NULL
        || (proto != 0 && proto != IPPROTO_TCP && proto != IPPROTO_UDP))
        return false;
    if (type == SOCK_STREAM)
        addr.proto = IPPROTO_TCP;
    else if (type == SOCK_DGRAM)
        addr.proto = IPPROTO_UDP;
    else
        return false;
    if (!((family != AF_INET6 && literal4(host, port, &addr))
          || (family != AF_INET && literal6(host, port, &addr))))
        return false;
    *ret = addr;
    return true;
}

bool
aio__addr_equal(const struct aio__addr *a, const struct aio__addr *b)
{
    return a->size == b->size && memcmp(&a->addr, &b->addr, a->size) == 0;
}

int
aio__addr_unix(const char *path, size_t size, struct aio__addr *ret)
{
    struct sockaddr_un *un = (struct sockaddr_un *) &ret->addr;
    size_t max = sizeof un->sun_path;

    if (size == 0)
        size = strlen(path);
    if (size == 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "the path of a Unix socket is empty");
    if (path[0] != '\0')
        max--; /* its terminator */
    if (size > max)
        return asyncio_raise_at(UV_ENAMETOOLONG, NULL, 0,
                                "AF_UNIX path too long");
    memset(ret, 0, sizeof *ret);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, size);
    ret->family = AF_UNIX;
    ret->type = SOCK_STREAM;
    ret->size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + size
                             + (path[0] != '\0' ? 1 : 0));
    return 0;
}

void
aio__addr_unix_stale(const struct aio__addr *addr)
{
    const char *path =
        ((const struct sockaddr_un *) (const void *) &addr->addr)->sun_path;
    struct stat st;

    if (path[0] != '\0' && stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
}

size_t
asyncio_sockaddr_repr(const struct sockaddr *sockaddr, char *buffer,
                      size_t size)
{
    char host[INET6_ADDRSTRLEN] = "", scope[16] = "";
    int n = 0;

    if (size > 0)
        buffer[0] = '\0';
    if (sockaddr == NULL)
        return 0;
    if (sockaddr->sa_family == AF_INET) {
        const struct sockaddr_in *in =
            (const struct sockaddr_in *) (const void *) sockaddr;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        n = snprintf(buffer, size, "%s:%d", host, ntohs(in->sin_port));
    } else if (sockaddr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 =
            (const struct sockaddr_in6 *) (const void *) sockaddr;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        if (in6->sin6_scope_id != 0)
            snprintf(scope, sizeof scope, "%%%u", in6->sin6_scope_id);
        n = snprintf(buffer, size, "[%s%s]:%d", host, scope,
                     ntohs(in6->sin6_port));
    } else if (sockaddr->sa_family == AF_UNIX) {
        const struct sockaddr_un *un =
            (const struct sockaddr_un *) (const void *) sockaddr;

        n = un->sun_path[0] != '\0' || un->sun_path[1] == '\0'
            ? snprintf(buffer, size, "%.*s", (int) sizeof un->sun_path,
                       un->sun_path)
            : snprintf(buffer, size, "@%.*s", (int) sizeof un->sun_path - 1,
                       un->sun_path + 1);
    }
    return n > 0 ? (size_t) n : 0;
}

int
asyncio_sockaddr_port(const struct sockaddr *sockaddr)
{
    if (sockaddr != NULL && sockaddr->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *) (const void *) sockaddr)
                         ->sin_port);
    if (sockaddr != NULL && sockaddr->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *) (const void *) sockaddr)
                         ->sin6_port);
    return -1;
}
