/* SPDX-License-Identifier: MIT */
#ifndef FETCH_SERVER_H
#define FETCH_SERVER_H

#include <asyncio.h>

/* Serve pages /page/0, /page/1, ... on a free port of this machine. */
ASYNCIO_NODISCARD int demo_server_start(asyncio_server_t **ret_server);

/* Stop, and wait for the connections to end. Drops the reference. */
ASYNCIO_NODISCARD int demo_server_stop(asyncio_server_t *server);

#endif
