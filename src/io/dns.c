/* SPDX-License-Identifier: MIT */
/*
 * Name resolution.
 *
 * Numbers are turned into addresses right here. Everything else is checked
 * (a name longer than 255 bytes is none) and goes to the resolver's threads.
 *
 * Python counterpart: loop.getaddrinfo, loop.getnameinfo, _ensure_resolved.
 */
#include "io/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/resolver.h"

enum { NAME_MAX_LENGTH = 255, PORT_MAX = 65535 };

static int
eai_error(int status, int error)
{
    static const struct {
        int eai;
        int uv;
    } codes[] = {
        {EAI_ADDRFAMILY, UV_EAI_ADDRFAMILY}, {EAI_AGAIN, UV_EAI_AGAIN},
        {EAI_BADFLAGS, UV_EAI_BADFLAGS},     {EAI_CANCELED, UV_EAI_FAIL},
        {EAI_FAIL, UV_EAI_FAIL},             {EAI_FAMILY, UV_EAI_FAMILY},
        {EAI_MEMORY, UV_ENOMEM},             {EAI_NODATA, UV_EAI_NODATA},
        {EAI_NONAME, UV_EAI_NONAME},         {EAI_OVERFLOW, UV_EAI_OVERFLOW},
        {EAI_SERVICE, UV_EAI_SERVICE},       {EAI_SOCKTYPE, UV_EAI_SOCKTYPE},
    };

    if (status == EAI_SYSTEM)
        return error > 0 ? -error : UV_EAI_FAIL;
    for (size_t i = 0; i < aio__array_size(codes); i++)
        if (codes[i].eai == status)
            return codes[i].uv;
    return UV_EAI_FAIL;
}

static int
raise_eai(int status, int error, const char *host)
{
    int code = eai_error(status, error);

    return asyncio_raise_at(code, NULL, 0, "%s: %s",
                            host != NULL ? host : "(no host)",
                            status == EAI_SYSTEM ? strerror(error)
                                                 : gai_strerror(status));
}

static bool
is_number(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text < '0' || *text > '9')
            return false;
    return true;
}

static bool
is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char) *text >= 0x80)
            return false;
    return true;
}

static int
check_names(const char *host, const char *service)
{
    if (host != NULL && (host[0] == '\0' || strlen(host) > NAME_MAX_LENGTH))
        return asyncio_raise_at(UV_EINVAL, NULL, 0,
                                host[0] == '\0' ? "the host name is empty"
                                                : "the host name is longer "
                                                  "than 255 bytes");
    if (service == NULL)
        return 0;
    if (strlen(service) >= sizeof((struct aio__lookup *) NULL)->service)
        return asyncio_raise_at(UV_EINVAL, NULL, 0,
                                "the name of the service is too long");
    if (is_number(service)
        && (strlen(service) > 5 || atoi(service) > PORT_MAX))
        return asyncio_raise_at(UV_EINVAL, NULL, 0,
                                "port must be 0-65535, not %s", service);
    return 0;
}

/* Nobody needs to be asked. */
static int
numeric(const char *host, const char *service, const struct addrinfo *hints,
        struct addrinfo **ret)
{
    int status = getaddrinfo(host, service, hints, ret);

    return status == 0 ? 0 : raise_eai(status, errno, host);
}

static int
look_up(asyncio_loop_t *loop, const char *host, const char *service,
        const struct addrinfo *hints, struct addrinfo **ret)
{
    struct aio__lookup *lookup = aio__lookup_new(loop);
    int r;

    if (lookup == NULL)
        return UV_ENOMEM;
    lookup->has_host = host != NULL;
    lookup->has_service = service != NULL;
    if (host != NULL)
        snprintf(lookup->host, sizeof lookup->host, "%s", host);
    if (service != NULL)
        snprintf(lookup->service, sizeof lookup->service, "%s", service);
    lookup->hints = *hints;
    if (host != NULL && !is_ascii(host))
        lookup->hints.ai_flags |= AI_IDN;
    r = aio__lookup_await(lookup);
    if (r < 0)
        return r;
    if (lookup->status != 0) {
        r = raise_eai(lookup->status, lookup->error, host);
    } else {
        *ret = lookup->list;
        lookup->list = NULL;
    }
    aio__lookup_free(lookup);
    return r;
}

int
asyncio_loop_getaddrinfo(asyncio_loop_t *loop, const char *host,
                         const char *service, struct addrinfo **ret,
                         const asyncio_getaddrinfo_options_t *options)
{
    struct addrinfo hints = {.ai_family = aio__option(options, family, 0),
                             .ai_socktype = aio__option(options, type, 0),
                             .ai_protocol = aio__option(options, proto, 0),
                             .ai_flags = aio__option(options, flags, 0)};
    asyncio_loop_t *running;
    struct aio__addr addr;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (loop != running)
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_LOOP, NULL, 0,
                                "this loop does not run here");
    r = check_names(host, service);
    if (r < 0)
        return r;
    if ((service == NULL || is_number(service)) && host != NULL
        && aio__addr_literal(host, 0, 0, SOCK_STREAM, 0, &addr)) {
        hints.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
        return numeric(host, service, &hints, ret);
    }
    return look_up(loop, host, service, &hints, ret);
}

void
asyncio_freeaddrinfo(struct addrinfo *list)
{
    if (list != NULL)
        freeaddrinfo(list);
}

static socklen_t
internet_size(const struct sockaddr *sockaddr)
{
    if (sockaddr != NULL && sockaddr->sa_family == AF_INET)
        return sizeof(struct sockaddr_in);
    if (sockaddr != NULL && sockaddr->sa_family == AF_INET6)
        return sizeof(struct sockaddr_in6);
    return 0;
}

int
asyncio_loop_getnameinfo(asyncio_loop_t *loop, const struct sockaddr *sockaddr,
                         int flags, asyncio_nameinfo_t *ret)
{
    asyncio_loop_t *running;
    struct aio__lookup *lookup;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (loop != running || internet_size(sockaddr) == 0)
        return UV_EINVAL;
    lookup = aio__lookup_new(loop);
    if (lookup == NULL)
        return UV_ENOMEM;
    lookup->reverse = true;
    lookup->addr_size = internet_size(sockaddr);
    memcpy(&lookup->addr, sockaddr, lookup->addr_size);
    lookup->flags = flags;
    r = aio__lookup_await(lookup);
    if (r < 0)
        return r;
    if (lookup->status != 0)
        r = raise_eai(lookup->status, lookup->error, "getnameinfo");
    else
        *ret = lookup->names;
    aio__lookup_free(lookup);
    return r;
}

static int
copy_list(const struct addrinfo *list, struct aio__addrs *ret)
{
    for (; list != NULL; list = list->ai_next) {
        struct aio__addr addr = {.family = list->ai_family,
                                 .type = list->ai_socktype,
                                 .proto = list->ai_protocol,
                                 .size = list->ai_addrlen};
        int r;

        if (list->ai_addrlen > sizeof addr.addr)
            continue;
        memcpy(&addr.addr, list->ai_addr, list->ai_addrlen);
        r = aio__addrs_add(ret, &addr);
        if (r < 0)
            return r;
    }
    if (ret->count == 0)
        return asyncio_raise_at(UV_EAI_NONAME, NULL, 0,
                                "getaddrinfo() returned empty list");
    return 0;
}

int
aio__resolve(asyncio_loop_t *loop, const char *host, int port,
             const asyncio_getaddrinfo_options_t *hints,
             struct aio__addrs *ret)
{
    struct aio__addrs found = {NULL, 0};
    struct addrinfo *list = NULL;
    struct aio__addr literal;
    char service[16];
    int r;

    if (port < 0 || port > PORT_MAX)
        return asyncio_raise_at(UV_EINVAL, NULL, 0,
                                "port must be 0-65535, not %d", port);
    if (aio__addr_literal(host, port, hints->family, hints->type,
                          hints->proto, &literal)) {
        r = aio__addrs_add(&found, &literal);
    } else {
        snprintf(service, sizeof service, "%d", port);
        r = asyncio_loop_getaddrinfo(loop, host, service, &list, hints);
        if (r == 0)
            r = copy_list(list, &found);
        asyncio_freeaddrinfo(list);
    }
    if (r < 0)
        aio__addrs_fini(&found);
    else
        *ret = found;
    return r;
}
