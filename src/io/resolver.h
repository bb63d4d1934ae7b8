/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_RESOLVER_H
#define AIO_IO_RESOLVER_H

/* Threads of their own for the system's resolver. */

#include <netdb.h>

#include "asyncio/net.h"
#include "loop/fiber.h"

struct aio__lookup {
    /* In. */
    bool reverse;                /* getnameinfo */
    char host[256];
    char service[64];
    bool has_host;
    bool has_service;
    struct addrinfo hints;
    struct sockaddr_storage addr;
    socklen_t addr_size;
    int flags;
    /* Out. */
    int status;                  /* of getaddrinfo or getnameinfo */
    int error;                   /* errno, for EAI_SYSTEM */
    struct addrinfo *list;
    asyncio_nameinfo_t names;
    /* The resolver's. */
    asyncio_loop_t *loop;        /* a reference */
    struct aio__waiter *waiter;  /* of the loop's thread; NULL: it left */
    struct aio__job job;         /* in the loop's inbox, once delivered */
    bool delivered;              /* guarded by the loop's lock */
    struct aio__closer closer;
    struct aio__lookup *next;    /* in the queue */
};

/* NULL without memory. */
struct aio__lookup *aio__lookup_new(asyncio_loop_t *loop);

/* Look it up in a thread and suspend. 0, and then the lookup has the result
 * and is the caller's to free; or an error, and then it is gone. */
int aio__lookup_await(struct aio__lookup *lookup);

void aio__lookup_free(struct aio__lookup *lookup);

#endif
