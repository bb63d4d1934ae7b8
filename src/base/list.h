/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_LIST_H
#define AIO_BASE_LIST_H

/*
 * Intrusive, doubly linked, circular list: the list head is a node too.
 * Nothing here allocates or can fail. A node that is in no list points to
 * itself, so removing it twice is harmless.
 */

#include <stdbool.h>

#include "asyncio/private.h"
#include "base/macros.h"

static inline void
aio__list_init(struct aio__list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool
aio__list_empty(const struct aio__list *list)
{
    return list->next == list;
}

static inline void
aio__list_push_back(struct aio__list *list, struct aio__list *node)
{
    node->next = list;
    node->prev = list->prev;
    list->prev->next = node;
    list->prev = node;
}

static inline void
aio__list_remove(struct aio__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    aio__list_init(node);
}

/* The first node, taken out; NULL for an empty list. */
static inline struct aio__list *
aio__list_pop_front(struct aio__list *list)
{
    struct aio__list *node = list->next;

    if (node == list)
        return NULL;
    aio__list_remove(node);
    return node;
}

/* `node` may be removed in the body. */
#define aio__list_foreach(node, list)                                         \
    for (struct aio__list *node = (list)->next, *node##_next = node->next;    \
         node != (list); node = node##_next, node##_next = node->next)

#endif
