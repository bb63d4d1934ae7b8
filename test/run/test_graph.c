/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom. A graph is described as name/function<awaiters>.
 */
#include "behaviour.h"

#include <asyncio.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static char text[4096];

static const char *
name_of(const asyncio_future_call_graph_t *graph)
{
    const char *name = asyncio_task_get_name(graph->future);

    return name[0] != '\0' ? name : "future";
}

static void
describe(const asyncio_future_call_graph_t *graph)
{
    strcat(text, name_of(graph));
    for (size_t i = 0; i < graph->call_stack_count; i++) {
        strcat(text, "/");
        strcat(text, graph->call_stack[i].name);
    }
    for (size_t i = 0; i < graph->awaited_by_count; i++) {
        strcat(text, i == 0 ? "<" : " ");
        describe(graph->awaited_by[i]);
    }
    if (graph->awaited_by_count > 0)
        strcat(text, ">");
}

static void
assert_graph(asyncio_future_t *future, const char *expected)
{
    asyncio_future_call_graph_t *graph = NULL;

    text[0] = '\0';
    assert_r(asyncio_capture_call_graph(future, &graph), 0);
    describe(graph);
    asyncio_future_call_graph_unref(graph);
    ck_assert_str_eq(text, expected);
}

/* Asserts the graph of itself, when everybody waits. */
struct leaf {
    const char *expected;
};

static int
leaf(void *arg)
{
    struct leaf *self = arg;
    int r = asyncio_sleep(0);

    if (r >= 0)
        r = asyncio_sleep(0);
    if (r >= 0 && self->expected != NULL)
        assert_graph(NULL, self->expected);
    return r;
}

/* Waits for another task in one of the ways. */
struct waiter {
    asyncio_future_t *child;
    int (*wait)(asyncio_future_t *child);
};

static int
waiter(void *arg)
{
    struct waiter *self = arg;

    return self->wait(self->child);
}

static int
wait_plainly(asyncio_future_t *child)
{
    return asyncio_await(child);
}

static int
wait_shielded(asyncio_future_t *child)
{
    return asyncio_shield(child);
}

static int
wait_gathered(asyncio_future_t *child)
{
    return asyncio_gather(&child, 1);
}

static int
wait_nested(asyncio_future_t *child)
{
    asyncio_future_t *inner = asyncio_gather_future(&child, 1);
    asyncio_future_t *outer = asyncio_shield_future(inner);
    int r = asyncio_gather(&outer, 1);

    asyncio_future_unref(outer);
    asyncio_future_unref(inner);
    return r;
}

static int
wait_with_wait(asyncio_future_t *child)
{
    asyncio_future_t *two[2] = {child, child};
    int r = asyncio_wait(two, 2, .timeout = 10);

    return r < 0 ? r : 0;
}

static int
wait_in_time(asyncio_future_t *child)
{
    asyncio_timeout_t t;

    asyncio_timeout_enter(asyncio_timeout(&t, 5));
    return asyncio_timeout_exit(&t, asyncio_await(child));
}

static int
wait_for_it(asyncio_future_t *child)
{
    return asyncio_wait_for(child, 5);
}

/* "leaf" is awaited that way by "waiter", for which the test waits. */
static void
run_leaf(int (*wait)(asyncio_future_t *child), const char *expected)
{
    asyncio_task_set_name(asyncio_current_task(), "main");
    asyncio_task_t *child = asyncio_create_task(
        asyncio_coro(leaf, .expected = expected), .name = "leaf");
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(waiter, .child = child, .wait = wait), .name = "waiter");
    assert_r(asyncio_await(task), 0);
    assert_r(asyncio_await(child), 0);
    asyncio_task_unref(task);
    asyncio_task_unref(child);
}

static const char chain[] = "leaf/leaf<waiter/waiter<main>>";

/* parity: test_graph.py CallStackTestBase test_stack_task */
BEHAVIOUR(a_task_shows_who_awaits_it)
{
    run_leaf(wait_plainly, chain);
    ck_assert_str_eq(text, chain);
}

/* parity: test_graph.py CallStackTestBase test_stack_gather */
BEHAVIOUR(a_task_shows_who_gathers_it)
{
    run_leaf(wait_gathered, chain);
    ck_assert_str_eq(text, chain);
}

/* parity: test_graph.py CallStackTestBase test_stack_shield */
BEHAVIOUR(a_task_shows_who_shields_it)
{
    run_leaf(wait_shielded, chain);
    ck_assert_str_eq(text, chain);
}

BEHAVIOUR(a_task_shows_who_awaits_it_through_several_futures)
{
    run_leaf(wait_nested, chain);
    ck_assert_str_eq(text, chain);
}

/* parity: test_graph.py CallStackTestBase test_stack_wait */
BEHAVIOUR(a_task_shows_who_waits_for_it_in_wait)
{
    run_leaf(wait_with_wait, chain);
    ck_assert_str_eq(text, chain);
}

/* parity: test_graph.py CallStackTestBase test_stack_timeout */
BEHAVIOUR(a_timeout_around_the_await_does_not_show)
{
    run_leaf(wait_in_time, chain);
    ck_assert_str_eq(text, chain);
    run_leaf(wait_for_it, chain);
    ck_assert_str_eq(text, chain);
}

/* A group of a task that asserts, and two that await that one. */
struct root {
    const char *expected;
};

static int
root(void *arg)
{
    struct root *self = arg;
    asyncio_task_group_t group;

    asyncio_task_group_enter(asyncio_task_group_init(&group));
    asyncio_task_t *child = asyncio_task_group_create_task(
        &group, asyncio_coro(leaf, .expected = self->expected),
        .name = "leaf");
    for (int i = 0; i < 2; i++)
        asyncio_task_group_create_task(
            &group, asyncio_coro(waiter, .child = child, .wait = wait_plainly),
            .name = i == 0 ? "one" : "two");
    return asyncio_task_group_exit(&group, 0);
}

/* parity: test_graph.py CallStackTestBase test_stack_tgroup */
BEHAVIOUR(a_child_of_a_group_shows_its_parent_and_all_who_await_it)
{
    static const char all[] = "leaf/leaf<root/root<main> "
                              "one/waiter<root/root<main>> "
                              "two/waiter<root/root<main>>>";

    asyncio_task_set_name(asyncio_current_task(), "main");
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(root, .expected = all), .name = "root");
    assert_r(asyncio_await(task), 0);
    ck_assert_str_eq(text, all);
    asyncio_task_unref(task);
}

static int
candidate(void *arg)
{
    (void) arg;
    asyncio_task_set_name(asyncio_current_task(), "runner");
    assert_r(asyncio_sleep(0), 0);
    assert_graph(NULL, "runner<main>");
    return 0;
}

BEHAVIOUR(a_candidate_of_a_race_shows_who_races)
{
    asyncio_coro_t coro = {.fn = candidate};

    asyncio_task_set_name(asyncio_current_task(), "main");
    assert_r(asyncio_staggered_race(&coro, 1, ASYNCIO_NO_TIMEOUT), 0);
    ck_assert_str_eq(text, "runner<main>");
}

/* parity: test_graph.py CallStackTestBase test_stack_future */
BEHAVIOUR(a_future_shows_all_who_await_it_in_their_order)
{
    asyncio_future_t *future = asyncio_future_new();
    asyncio_task_t *tasks[2];
    char expected[1024], id[64];

    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro(waiter, .child = future, .wait = wait_plainly),
            .name = i == 0 ? "one" : "two");
    assert_r(asyncio_sleep(0), 0);
    assert_graph(future, "future<one/waiter two/waiter>");

    int length = asyncio_format_call_graph(future, text, sizeof text);
    const asyncio_site_t *site = asyncio_source_traceback(tasks[0]);
    snprintf(id, sizeof id, "* Future(id=%p)\n", (void *) future);
    snprintf(expected, sizeof expected,
             "%s"
             "  + Awaited by:\n"
             "    * Task(name='one', id=%p)\n"
             "      + Call stack:\n"
             "      |   File '%s', line %d, in async waiter()\n"
             "    * Task(name='two', id=%p)\n"
             "      + Call stack:\n"
             "      |   File '%s', line %d, in async waiter()",
             id, (void *) tasks[0], site->file, site->line, (void *) tasks[1],
             site->file, site->line);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(length, (int) strlen(expected));
    /* Cut, but measured. */
    ck_assert_int_eq(asyncio_format_call_graph(future, text, 10), length);
    ck_assert_str_eq(text, "* Future(");
    asyncio_future_set_result(future, NULL);
    assert_r(asyncio_gather(tasks, 2), 0);
    assert_graph(future, "future");
    asyncio_future_unref_array(tasks, 2);
    asyncio_future_unref(future);
}

BEHAVIOUR(a_graph_can_be_printed_and_its_stacks_left_out)
{
    asyncio_future_t *future = asyncio_future_new();
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(waiter, .child = future, .wait = wait_plainly));
    char expected[128], line[128];
    FILE *file = tmpfile();

    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_print_call_graph(task, file, .no_call_stack = true), 0);
    rewind(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    snprintf(expected, sizeof expected, "* Task(name='%s', id=%p)\n",
             asyncio_task_get_name(task), (void *) task);
    ck_assert_str_eq(line, expected);
    ck_assert_ptr_null(fgets(line, sizeof line, file));
    fclose(file);
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
    asyncio_future_unref(future);
}

BEHAVIOUR(awaiters_can_be_told_once_each_and_taken_back)
{
    asyncio_future_t *future = asyncio_future_new();
    asyncio_task_t *self = asyncio_current_task();

    asyncio_task_set_name(self, "main");
    assert_r(asyncio_future_add_to_awaited_by(future, self), 0);
    assert_r(asyncio_future_add_to_awaited_by(future, self), 0);
    assert_graph(future, "future<main>");
    asyncio_future_discard_from_awaited_by(future, self);
    asyncio_future_discard_from_awaited_by(future, self);
    assert_graph(future, "future");
    assert_r(asyncio_future_add_to_awaited_by(NULL, self), UV_EINVAL);

    /* The end of the future forgets them. */
    assert_r(asyncio_future_add_to_awaited_by(future, self), 0);
    asyncio_future_set_result(future, NULL);
    assert_graph(future, "future");
    assert_r(asyncio_future_add_to_awaited_by(future, self), 0);
    assert_graph(future, "future");
    asyncio_future_unref(future);

    /* So does its death. */
    future = asyncio_future_new();
    assert_r(asyncio_future_add_to_awaited_by(future, self), 0);
    asyncio_future_unref(future);
}

BEHAVIOUR(futures_that_wait_for_each_other_are_each_shown_once)
{
    asyncio_future_t *a = asyncio_future_new(), *b = asyncio_future_new();

    assert_r(asyncio_future_add_to_awaited_by(a, b), 0);
    assert_r(asyncio_future_add_to_awaited_by(b, a), 0);
    assert_r(asyncio_future_add_to_awaited_by(b, b), 0);
    assert_graph(a, "future<future>");
    asyncio_future_discard_from_awaited_by(a, b);
    asyncio_future_discard_from_awaited_by(b, a);
    asyncio_future_discard_from_awaited_by(b, b);
    asyncio_future_unref(a);
    asyncio_future_unref(b);
}

enum {
    LONG = 2000
};

BEHAVIOUR(a_long_chain_of_tasks_needs_no_deep_stack)
{
    asyncio_future_t *future = asyncio_future_new(), *last = future;
    asyncio_future_call_graph_t *graph;
    static asyncio_task_t *tasks[LONG];
    size_t depth = 0;

    for (int i = 0; i < LONG; i++)
        last = tasks[i] = asyncio_create_task(
            asyncio_coro(waiter, .child = last, .wait = wait_plainly));
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_capture_call_graph(future, &graph), 0);
    for (const asyncio_future_call_graph_t *g = graph; g->awaited_by_count > 0;
         g = g->awaited_by[0])
        depth++;
    ck_assert_uint_eq(depth, LONG);
    asyncio_future_call_graph_unref(graph);
    ck_assert_int_gt(asyncio_format_call_graph(future, NULL, 0), LONG * LONG);
    asyncio_future_set_result(future, NULL);
    assert_r(asyncio_await(tasks[LONG - 1]), 0);
    asyncio_future_unref_array(tasks, LONG);
    asyncio_future_unref(future);
}

static int
sees_no_task(void *arg)
{
    asyncio_future_call_graph_t *graph =
        (asyncio_future_call_graph_t *) arg; /* anything but NULL */

    assert_r(asyncio_capture_call_graph(NULL, &graph), 0);
    ck_assert_ptr_null(graph);
    assert_r(asyncio_format_call_graph(NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    return 0;
}

BEHAVIOUR(in_a_callback_there_is_no_graph_of_the_running_task)
{
    strcpy(text, "something");
    asyncio_loop_call_soon(asyncio_get_running_loop(), sees_no_task, text);
    assert_r(asyncio_sleep(0), 0);
    ck_assert_str_eq(text, "");
}

PLAIN(without_a_loop_there_is_no_running_task_to_look_at)
{
    asyncio_future_call_graph_t *graph;

    assert_r(asyncio_capture_call_graph(NULL, &graph),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
    assert_r(asyncio_build_async_tree(NULL, text, sizeof text),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
}

static void *
looks_from_outside(void *arg)
{
    asyncio_future_call_graph_t *graph;

    assert_r(asyncio_capture_call_graph(arg, &graph),
             ASYNCIO_ERR_WRONG_THREAD);
    assert_r(asyncio_build_task_table(asyncio_future_get_loop(arg), NULL, 0),
             ASYNCIO_ERR_WRONG_THREAD);
    return NULL;
}

BEHAVIOUR(another_thread_cannot_see_who_waits)
{
    pthread_t thread;

    pthread_create(&thread, NULL, looks_from_outside, asyncio_current_task());
    pthread_join(thread, NULL);
    ck_assert(!asyncio_task_done(asyncio_current_task()));
}

SCENARIO(graphs_and_pictures_survive_the_lack_of_memory)
{
    asyncio_future_t *future = asyncio_future_new();
    asyncio_future_call_graph_t *graph = NULL;
    asyncio_task_t *self = asyncio_current_task();
    int r = asyncio_future_add_to_awaited_by(future, self);

    if (r >= 0)
        r = asyncio_future_add_to_awaited_by(self, future);
    if (r >= 0)
        r = asyncio_capture_call_graph(future, &graph);
    asyncio_future_call_graph_unref(graph);
    if (r >= 0)
        r = asyncio_build_async_tree(NULL, text, sizeof text);
    if (r >= 0)
        r = asyncio_build_task_table(NULL, text, sizeof text);
    asyncio_future_discard_from_awaited_by(self, future);
    asyncio_future_discard_from_awaited_by(future, self);
    asyncio_future_unref(future);
    return r > 0 ? 0 : r;
}
