/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_H
#define ASYNCIO_H

/**
 * @file asyncio.h
 * Python's asyncio for C: all of the library.
 */

#include "asyncio/constants.h"
#include "asyncio/contextvars.h"
#include "asyncio/coroutines.h"
#include "asyncio/datagrams.h"
#include "asyncio/events.h"
#include "asyncio/exceptions.h"
#include "asyncio/futures.h"
#include "asyncio/graph.h"
#include "asyncio/locks.h"
#include "asyncio/log.h"
#include "asyncio/net.h"
#include "asyncio/protocols.h"
#include "asyncio/queues.h"
#include "asyncio/runners.h"
#include "asyncio/staggered.h"
#include "asyncio/streams.h"
#include "asyncio/signals.h"
#include "asyncio/sockets.h"
#include "asyncio/subprocess.h"
#include "asyncio/taskgroups.h"
#include "asyncio/tasks.h"
#include "asyncio/threads.h"
#include "asyncio/timeouts.h"
#include "asyncio/tls.h"
#include "asyncio/transports.h"
#include "asyncio/version.h"

/* Last: the keyword macros stand before nothing that declares. */
#include "asyncio/kw.h"

#endif
