/* SPDX-License-Identifier: MIT */
/*
 * All unfinished tasks of a loop, as a tree or as a table.
 *
 * A snapshot numbers the tasks in the order of their creation, and after
 * them those awaiters that are no tasks of the loop. Edges go from an awaiter
 * to what it awaits. Chains may be long: circles are searched without
 * recursion, and the tree is cut where it gets too deep to be looked at.
 *
 * Python counterpart: asyncio.tools.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run/graph.h"
#include "task/task.h"

enum {
    MAX_DEPTH = 64,   /* levels of a tree */
    MAX_LINES = 10000 /* of a tree: shared tasks are shown repeatedly */
};

struct vertex {
    asyncio_future_t *future;
    size_t number;      /* where it is in the snapshot */
    size_t first_child; /* in `children` */
    size_t n_children;
    size_t n_parents;
};

struct edge {
    size_t parent;
    size_t child;
};

struct snapshot {
    struct vertex *vertices;
    size_t count;
    size_t room;
    size_t tasks; /* the first so many are tasks of the loop */
    struct edge *edges;
    size_t n_edges;
    size_t edge_room;
    struct vertex *sorted; /* the tasks, by address */
    size_t *children;
};

static void *
grown(void *list, size_t *room, size_t used, size_t size)
{
    size_t more = *room * 2 + 16;

    if (used < *room)
        return list;
    list = aio__realloc(list, *room * size, more * size);
    if (list != NULL)
        *room = more;
    return list;
}

static int
add_vertex(struct snapshot *s, asyncio_future_t *future)
{
    struct vertex *list = grown(s->vertices, &s->room, s->count, sizeof *list);

    if (list == NULL)
        return UV_ENOMEM;
    s->vertices = list;
    list[s->count] = (struct vertex){.future = future, .number = s->count};
    s->count++;
    return 0;
}

static int
by_address(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t) ((const struct vertex *) left)->future;
    uintptr_t b = (uintptr_t) ((const struct vertex *) right)->future;

    return (a > b) - (a < b);
}

/* Its number; a new one for an awaiter that is no task of the loop. */
static int
number_of(struct snapshot *s, asyncio_future_t *future, size_t *ret_number)
{
    struct vertex key = {.future = future};
    struct vertex *found =
        bsearch(&key, s->sorted, s->tasks, sizeof key, by_address);

    if (found != NULL) {
        *ret_number = found->number;
        return 0;
    }
    for (size_t i = s->tasks; i < s->count; i++) {
        if (s->vertices[i].future == future) {
            *ret_number = i;
            return 0;
        }
    }
    *ret_number = s->count;
    return add_vertex(s, future);
}

static int
add_edge(struct snapshot *s, asyncio_future_t *parent, size_t child)
{
    struct edge *edges =
        grown(s->edges, &s->edge_room, s->n_edges, sizeof *edges);
    size_t number;
    int r;

    if (edges == NULL)
        return UV_ENOMEM;
    s->edges = edges;
    r = number_of(s, parent, &number);
    if (r < 0)
        return r;
    edges[s->n_edges++] = (struct edge){.parent = number, .child = child};
    s->vertices[number].n_children++;
    s->vertices[child].n_parents++;
    return 0;
}

static int
add_edges(struct snapshot *s)
{
    struct aio__awaiters awaiters = {.list = NULL};
    int r = 0;

    for (size_t child = 0; child < s->tasks && r >= 0; child++) {
        r = aio__awaiters_find(&awaiters, s->vertices[child].future);
        for (size_t i = 0; i < awaiters.count && r >= 0; i++)
            r = add_edge(s, awaiters.list[i], child);
    }
    aio__awaiters_fini(&awaiters);
    return r;
}

static int
sort_children(struct snapshot *s)
{
    size_t first = 0;

    s->children = aio__calloc(s->n_edges + 1, sizeof *s->children);
    if (s->children == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < s->count; i++) {
        s->vertices[i].first_child = first;
        first += s->vertices[i].n_children;
        s->vertices[i].n_children = 0;
    }
    for (size_t i = 0; i < s->n_edges; i++) {
        struct vertex *parent = &s->vertices[s->edges[i].parent];

        s->children[parent->first_child + parent->n_children++] =
            s->edges[i].child;
    }
    return 0;
}

static void
fini(struct snapshot *s)
{
    aio__free(s->vertices, s->room * sizeof *s->vertices);
    aio__free(s->edges, s->edge_room * sizeof *s->edges);
    if (s->sorted != NULL)
        aio__free(s->sorted, (s->tasks + 1) * sizeof *s->sorted);
    if (s->children != NULL)
        aio__free(s->children, (s->n_edges + 1) * sizeof *s->children);
}

static int
fill(struct snapshot *s, asyncio_loop_t *loop)
{
    int r = 0;

    aio__list_foreach(link, &loop->tasks) {
        r = add_vertex(
            s, &aio__container_of(link, struct aio__task, link)->future);
        if (r < 0)
            return r;
    }
    s->tasks = s->count;
    s->sorted = aio__calloc(s->tasks + 1, sizeof *s->sorted);
    if (s->sorted == NULL)
        return UV_ENOMEM;
    if (s->tasks > 0)
        memcpy(s->sorted, s->vertices, s->tasks * sizeof *s->sorted);
    qsort(s->sorted, s->tasks, sizeof *s->sorted, by_address);
    r = add_edges(s);
    return r < 0 ? r : sort_children(s);
}

static int
take(struct snapshot *s, asyncio_loop_t *loop)
{
    int r;

    *s = (struct snapshot){.count = 0};
    if (loop == NULL)
        loop = asyncio_get_running_loop();
    if (loop == NULL)
        return ASYNCIO_ERR_NO_RUNNING_LOOP;
    r = aio__graph_thread(loop);
    if (r < 0)
        return r;
    r = fill(s, loop);
    if (r < 0)
        fini(s);
    return r;
}

static const char *
name_of(const struct snapshot *s, size_t number)
{
    return number < s->tasks
        ? asyncio_task_get_name(s->vertices[number].future)
        : "Unknown";
}

/* Of the coroutine; NULL for none. */
static const asyncio_site_t *
site_of(const struct snapshot *s, size_t number)
{
    return asyncio_source_traceback(s->vertices[number].future);
}

/* A walk: where it is, and how far it got with each vertex on the way. */
struct walk {
    size_t *path;
    size_t *next;   /* child to look at, of each on the path */
    char *colours;  /* of all: 0 new, 1 on the path, 2 done */
    size_t depth;
};

static void
add_circle(struct aio__text *text, const struct snapshot *s,
           const struct walk *walk, size_t back_to)
{
    size_t i = walk->depth;

    while (walk->path[i - 1] != back_to)
        i--;
    aio__text_add(text, "\ncycle: ");
    for (i--; i < walk->depth; i++)
        aio__text_add(text, "%s → ", name_of(s, walk->path[i]));
    aio__text_add(text, "%s", name_of(s, back_to));
}

static bool
search_from(struct aio__text *text, const struct snapshot *s,
            struct walk *walk, size_t from)
{
    bool found = false;

    walk->path[0] = from;
    walk->next[0] = 0;
    walk->colours[from] = 1;
    walk->depth = 1;
    while (walk->depth > 0) {
        size_t at = walk->path[walk->depth - 1];
        const struct vertex *vertex = &s->vertices[at];
        size_t child;

        if (walk->next[walk->depth - 1] == vertex->n_children) {
            walk->colours[at] = 2;
            walk->depth--;
            continue;
        }
        child = s->children[vertex->first_child
                            + walk->next[walk->depth - 1]++];
        if (walk->colours[child] == 1) {
            add_circle(text, s, walk, child);
            found = true;
        } else if (walk->colours[child] == 0) {
            walk->colours[child] = 1;
            walk->path[walk->depth] = child;
            walk->next[walk->depth++] = 0;
        }
    }
    return found;
}

/* 0, or ASYNCIO_ERR_RUNTIME and the text that says which. */
static int
search_circles(struct aio__text *text, const struct snapshot *s)
{
    size_t n = s->count + 1;
    struct walk walk = {.path = aio__calloc(n, sizeof(size_t)),
                        .next = aio__calloc(n, sizeof(size_t)),
                        .colours = aio__calloc(n, 1)};
    struct aio__text circles = *text;
    bool found = false;
    int r = 0;

    if (walk.path == NULL || walk.next == NULL || walk.colours == NULL)
        r = UV_ENOMEM;
    aio__text_add(&circles, "ERROR: await-graph contains cycles - cannot print "
                            "a tree!\n");
    for (size_t i = 0; i < s->count && r == 0; i++)
        if (walk.colours[i] == 0)
            found |= search_from(&circles, s, &walk, i);
    if (walk.path != NULL)
        aio__free(walk.path, n * sizeof(size_t));
    if (walk.next != NULL)
        aio__free(walk.next, n * sizeof(size_t));
    if (walk.colours != NULL)
        aio__free(walk.colours, n);
    if (!found && text->size > 0)
        text->buffer[0] = '\0';
    if (found)
        r = asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                             "await-graph contains cycles");
    return r;
}

/* One line of a tree, and the way down to it. */
struct tree {
    const struct snapshot *snapshot;
    struct aio__text *text;
    size_t lines;
    bool last[2 * MAX_DEPTH]; /* at each level: nothing follows below */
    size_t depth;
};

static void
add_branch(struct tree *tree, bool last)
{
    if (tree->lines++ > 0)
        aio__text_add(tree->text, "\n");
    for (size_t i = 0; i < tree->depth; i++)
        aio__text_add(tree->text, "%s", tree->last[i] ? "    " : "│   ");
    aio__text_add(tree->text, "%s", last ? "└── " : "├── ");
    tree->last[tree->depth++] = last;
}

static void
add_task(struct tree *tree, size_t number, bool last)
{
    const struct snapshot *s = tree->snapshot;
    const struct vertex *vertex = &s->vertices[number];
    const asyncio_site_t *site = site_of(s, number);
    size_t depth = tree->depth;

    if (tree->lines >= MAX_LINES)
        return;
    add_branch(tree, last);
    aio__text_add(tree->text, "(T) %s", name_of(s, number));
    if (site != NULL) {
        add_branch(tree, true);
        aio__text_add(tree->text, " %s %s:%d", site->name, site->file,
                      site->line);
    }
    if (tree->depth + 2 > aio__array_size(tree->last)) {
        if (vertex->n_children > 0)
            aio__text_add(tree->text, " ...");
    } else {
        for (size_t i = 0; i < vertex->n_children; i++)
            add_task(tree, s->children[vertex->first_child + i],
                     i + 1 == vertex->n_children);
    }
    tree->depth = depth;
}

int
asyncio_build_async_tree(asyncio_loop_t *loop, char *buffer, size_t size)
{
    struct aio__text text;
    struct snapshot s;
    int r;

    r = take(&s, loop);
    if (r < 0)
        return r;
    aio__text_init(&text, buffer, size);
    r = search_circles(&text, &s);
    if (r == 0) {
        struct tree tree = {.snapshot = &s, .text = &text};

        for (size_t i = 0; i < s.count; i++)
            if (s.vertices[i].n_parents == 0)
                add_task(&tree, i, true);
        r = aio__text_length(&text);
    }
    fini(&s);
    return r;
}

static void
add_row(struct aio__text *text, const struct snapshot *s, size_t number,
        const size_t *awaiter)
{
    const asyncio_site_t *site = site_of(s, number);
    const asyncio_site_t *other =
        awaiter != NULL ? site_of(s, *awaiter) : NULL;
    char id[24], awaiter_id[24] = "0x0";

    snprintf(id, sizeof id, "%p", (void *) s->vertices[number].future);
    if (awaiter != NULL)
        snprintf(awaiter_id, sizeof awaiter_id, "%p",
                 (void *) s->vertices[*awaiter].future);
    aio__text_add(text, "\n%-10d %-20s %-20s %-50s %-50s %-15s %-15s",
                  (int) gettid(), id, name_of(s, number),
                  site != NULL ? site->name : "",
                  other != NULL ? other->name : "",
                  awaiter != NULL ? name_of(s, *awaiter) : "", awaiter_id);
}

int
asyncio_build_task_table(asyncio_loop_t *loop, char *buffer, size_t size)
{
    static const char line[] = "--------------------";
    struct aio__text text;
    struct snapshot s;
    size_t edge = 0;
    int r;

    r = take(&s, loop);
    if (r < 0)
        return r;
    aio__text_init(&text, buffer, size);
    aio__text_add(&text, "%-10s %-20s %-20s %-50s %-50s %-15s %-15s\n", "tid",
                  "task id", "task name", "coroutine stack", "awaiter chain",
                  "awaiter name", "awaiter id");
    for (int i = 0; i < 9; i++)
        aio__text_add(&text, "%s", line);
    for (size_t i = 0; i < s.tasks; i++) {
        if (s.vertices[i].n_parents == 0)
            add_row(&text, &s, i, NULL);
        for (; edge < s.n_edges && s.edges[edge].child == i; edge++)
            add_row(&text, &s, i, &s.edges[edge].parent);
    }
    fini(&s);
    return aio__text_length(&text);
}
