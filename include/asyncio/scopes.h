/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_SCOPES_H
#define ASYNCIO_SCOPES_H

/**
 * @file scopes.h
 * What timeouts and task groups have in common: each task keeps a list of the
 * scopes that are open on its stack.
 */

#include "export.h"

ASYNCIO_BEGIN_DECLS

/** An open scope; all members are private. */
typedef struct asyncio_scope {
    struct asyncio_scope *outer;
    asyncio_task_t *task; /* set while open */
    const char *kind;
} asyncio_scope_t;

ASYNCIO_END_DECLS

#endif
