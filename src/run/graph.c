/* SPDX-License-Identifier: MIT */
/*
 * The graph of who waits for a future.
 *
 * Awaiters are found in the callbacks of the future, level by level. The
 * entries are linked in the order in which they were found, which is all the
 * bookkeeping there is: chains of tasks may be longer than a stack is deep, so
 * nothing here recurs, except through gathers of gathers.
 *
 * Python counterpart: asyncio.graph.
 */
#include "run/graph.h"

#include <stdarg.h>

#include "base/alloc.h"
#include "sync/staggered.h"
#include "task/awaiter.h"

enum {
    MAX_NODES = 10000, /* of a graph */
    MAX_NESTING = 64   /* gathers of gathers */
};

struct node {
    asyncio_future_call_graph_t graph; /* first */
    struct node *next;                 /* in the order of discovery */
    struct node *parent;               /* what this one awaits */
    size_t room;                       /* of awaited_by */
    size_t shown;                      /* awaiters that were formatted */
};

void
aio__text_init(struct aio__text *text, char *buffer, size_t size)
{
    *text = (struct aio__text){.buffer = buffer, .size = size};
    if (size > 0)
        buffer[0] = '\0';
}

void
aio__text_add(struct aio__text *text, const char *format, ...)
{
    size_t at = text->length < text->size ? text->length : text->size;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text->size > 0 ? text->buffer + at : NULL, text->size - at,
                  format, args);
    va_end(args);
    if (n > 0)
        text->length += (size_t) n;
}

int
aio__text_length(const struct aio__text *text)
{
    return text->length < INT32_MAX ? (int) text->length : INT32_MAX;
}

int
aio__graph_thread(const asyncio_loop_t *loop)
{
    if (loop == NULL || pthread_equal(loop->thread, pthread_self()))
        return 0;
    return asyncio_raise_at(ASYNCIO_ERR_WRONG_THREAD, NULL, 0,
                            "only the thread of a loop can see who waits");
}

static int
add_awaiter(struct aio__awaiters *awaiters, asyncio_future_t *awaiter)
{
    if (awaiter->marked || awaiter->refs == AIO__IMMORTAL)
        return 0;
    if (awaiters->count == awaiters->room) {
        size_t room = awaiters->room * 2 + 4;
        asyncio_future_t **list =
            aio__realloc(awaiters->list, awaiters->room * sizeof *list,
                         room * sizeof *list);

        if (list == NULL)
            return UV_ENOMEM;
        awaiters->list = list;
        awaiters->room = room;
    }
    awaiter->marked = true;
    awaiters->list[awaiters->count++] = awaiter;
    return 0;
}

/* Who waits by this callback; and whether that only stands between. */
static asyncio_future_t *
awaiter_of(struct aio__future_cb *cb, bool *ret_between)
{
    asyncio_future_t *awaiter = aio__gather_awaiter(cb);

    if (awaiter == NULL)
        awaiter = aio__shield_awaiter(cb);
    *ret_between = awaiter != NULL;
    if (awaiter == NULL)
        awaiter = aio__await_awaiter(cb);
    if (awaiter == NULL)
        awaiter = aio__wait_awaiter(cb);
    if (awaiter == NULL)
        awaiter = aio__task_group_awaiter(cb);
    if (awaiter == NULL)
        awaiter = aio__staggered_awaiter(cb);
    if (awaiter == NULL)
        awaiter = aio__told_awaiter(cb);
    return awaiter;
}

static int
add_awaiters_of(struct aio__awaiters *awaiters, asyncio_future_t *future,
                int nesting)
{
    int r = 0;

    if (future->state != AIO__PENDING || nesting == MAX_NESTING)
        return 0;
    aio__list_foreach(link, &future->callbacks) {
        bool between;
        asyncio_future_t *awaiter = awaiter_of(
            aio__container_of(link, struct aio__future_cb, link), &between);

        if (awaiter == NULL)
            continue;
        r = between ? add_awaiters_of(awaiters, awaiter, nesting + 1)
                    : add_awaiter(awaiters, awaiter);
        if (r < 0)
            return r;
    }
    return 0;
}

int
aio__awaiters_find(struct aio__awaiters *awaiters, asyncio_future_t *future)
{
    int r;

    awaiters->count = 0;
    r = add_awaiters_of(awaiters, future, 0);
    for (size_t i = 0; i < awaiters->count; i++)
        awaiters->list[i]->marked = false;
    return r;
}

void
aio__awaiters_fini(struct aio__awaiters *awaiters)
{
    aio__free(awaiters->list, awaiters->room * sizeof *awaiters->list);
}

static struct node *
node_new(asyncio_future_t *future, struct node *parent,
         const asyncio_call_graph_options_t *options)
{
    struct node *node = aio__calloc(1, sizeof *node);
    struct aio__task *task = aio__task_from(future);

    if (node == NULL)
        return NULL;
    node->graph.future = asyncio_future_ref(future);
    node->parent = parent;
    if (task != NULL && task->site != NULL && future->state == AIO__PENDING
        && !aio__option(options, no_call_stack, false)) {
        node->graph.call_stack = task->site;
        node->graph.call_stack_count = 1;
    }
    return node;
}

static bool
is_above(const struct node *node, const asyncio_future_t *future)
{
    for (; node != NULL; node = node->parent)
        if (node->graph.future == future)
            return true;
    return false;
}

/* Append the awaiters of a node to the list that ends at `last`. */
static int
expand(struct node *node, struct node **last, size_t *total,
       struct aio__awaiters *awaiters,
       const asyncio_call_graph_options_t *options)
{
    asyncio_future_call_graph_t *graph = &node->graph;
    int r = aio__awaiters_find(awaiters, graph->future);

    if (r < 0 || awaiters->count == 0)
        return r;
    if (awaiters->count > MAX_NODES - *total)
        return 0;
    graph->awaited_by = aio__calloc(awaiters->count, sizeof(void *));
    if (graph->awaited_by == NULL)
        return UV_ENOMEM;
    node->room = awaiters->count;
    *total += awaiters->count;
    for (size_t i = 0; i < awaiters->count; i++) {
        struct node *awaiter;

        if (is_above(node, awaiters->list[i]))
            continue;
        awaiter = node_new(awaiters->list[i], node, options);
        if (awaiter == NULL)
            return UV_ENOMEM;
        graph->awaited_by[graph->awaited_by_count++] = &awaiter->graph;
        (*last)->next = awaiter;
        *last = awaiter;
    }
    return 0;
}

/* `future` NULL: the running task, which there may be none. */
static int
subject(asyncio_future_t **future)
{
    if (*future != NULL)
        return aio__graph_thread((*future)->loop);
    if (asyncio_get_running_loop() == NULL)
        return ASYNCIO_ERR_NO_RUNNING_LOOP;
    *future = asyncio_current_task();
    return 0;
}

int
asyncio_capture_call_graph(asyncio_future_t *future,
                           asyncio_future_call_graph_t **ret_graph,
                           const asyncio_call_graph_options_t *options)
{
    struct aio__awaiters awaiters = {.list = NULL};
    struct node *root, *last;
    size_t total = 1;
    int r;

    r = subject(&future);
    if (r < 0)
        return r;
    if (future == NULL) {
        *ret_graph = NULL;
        return 0;
    }
    root = last = node_new(future, NULL, options);
    if (root == NULL)
        return UV_ENOMEM;
    for (struct node *node = root; node != NULL && r >= 0; node = node->next)
        r = expand(node, &last, &total, &awaiters, options);
    aio__awaiters_fini(&awaiters);
    if (r < 0)
        asyncio_future_call_graph_unref(&root->graph);
    else
        *ret_graph = &root->graph;
    return r;
}

asyncio_future_call_graph_t *
asyncio_future_call_graph_unref(asyncio_future_call_graph_t *graph)
{
    struct node *node = (struct node *) graph;

    while (node != NULL) {
        struct node *next = node->next;

        asyncio_future_unref(node->graph.future);
        aio__free(node->graph.awaited_by, node->room * sizeof(void *));
        aio__free(node, sizeof *node);
        node = next;
    }
    return NULL;
}

static void
add_node(struct aio__text *text, const struct node *node, int indent)
{
    const asyncio_future_call_graph_t *graph = &node->graph;

    if (node->parent != NULL)
        aio__text_add(text, "\n");
    if (aio__task_from(graph->future) != NULL)
        aio__text_add(text, "%*s* Task(name='%s', id=%p)", indent, "",
                      asyncio_task_get_name(graph->future),
                      (void *) graph->future);
    else
        aio__text_add(text, "%*s* Future(id=%p)", indent, "",
                      (void *) graph->future);
    if (graph->call_stack_count > 0)
        aio__text_add(text, "\n%*s  + Call stack:", indent, "");
    for (size_t i = 0; i < graph->call_stack_count; i++)
        aio__text_add(text, "\n%*s  |   File '%s', line %d, in async %s()",
                      indent, "", graph->call_stack[i].file,
                      graph->call_stack[i].line, graph->call_stack[i].name);
    if (graph->awaited_by_count > 0)
        aio__text_add(text, "\n%*s  + Awaited by:", indent, "");
}

static void
add_graph(struct aio__text *text, struct node *node)
{
    int indent = 0;

    while (node != NULL) {
        if (node->shown == 0)
            add_node(text, node, indent);
        if (node->shown < node->graph.awaited_by_count) {
            node = (struct node *) node->graph.awaited_by[node->shown++];
            indent += 4;
        } else {
            node = node->parent;
            indent -= 4;
        }
    }
}

int
asyncio_format_call_graph(asyncio_future_t *future, char *buffer, size_t size,
                          const asyncio_call_graph_options_t *options)
{
    asyncio_future_call_graph_t *graph;
    struct aio__text text;
    int r;

    r = asyncio_capture_call_graph(future, &graph, options);
    if (r < 0)
        return r;
    aio__text_init(&text, buffer, size);
    add_graph(&text, (struct node *) graph);
    asyncio_future_call_graph_unref(graph);
    return aio__text_length(&text);
}

int
asyncio_print_call_graph(asyncio_future_t *future, FILE *file,
                         const asyncio_call_graph_options_t *options)
{
    int length = asyncio_format_call_graph(future, NULL, 0, options);
    size_t size = (size_t) length + 1;
    char *text;
    int r = 0;

    if (length < 0)
        return length;
    text = aio__alloc(size);
    if (text == NULL)
        return UV_ENOMEM;
    r = asyncio_format_call_graph(future, text, size, options);
    if (r >= 0 && fprintf(file != NULL ? file : stdout, "%s\n", text) < 0)
        r = UV_EIO;
    aio__free(text, size);
    return r < 0 ? r : 0;
}
