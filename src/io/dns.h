/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_DNS_H
#define AIO_IO_DNS_H

/* Names to addresses, for those who connect and listen. */

#include "asyncio/net.h"
#include "io/sockaddr.h"

/* What getaddrinfo finds for a host and a port; a literal asks nobody and
 * does not suspend. On success there is at least one address. */
int aio__resolve(asyncio_loop_t *loop, const char *host, int port,
                 const asyncio_getaddrinfo_options_t *hints,
                 struct aio__addrs *ret);

#endif
