/* SPDX-License-Identifier: MIT */
/*
 * All tasks of a loop as a tree and as a table. The tasks of most tests have
 * not run yet, and have been told who waits for them.
 */
#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    MAX = 8
};

static asyncio_loop_t *loop;
static asyncio_task_t *tasks[MAX];
static int count;
static char text[65536], expected[8192];

static const asyncio_site_t fetch = {"fetch", "fetch.c", 7};

static int
nothing(void *arg)
{
    (void) arg;
    return 0;
}

static void
begin(void)
{
    loop = asyncio_new_event_loop();
}

static asyncio_task_t *
add(const char *name, const asyncio_site_t *site)
{
    asyncio_coro_t coro = {.fn = nothing, .site = site};

    tasks[count] = asyncio_loop_create_task(loop, coro, .name = name);
    return tasks[count++];
}

static void
awaits(asyncio_future_t *parent, asyncio_future_t *child)
{
    assert_r(asyncio_future_add_to_awaited_by(child, parent), 0);
}

static void
end(void)
{
    assert_r(asyncio_loop_run_once(loop, false), 0);
    asyncio_future_unref_array(tasks, (size_t) count);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

static void
assert_tree(const char *tree)
{
    int length = asyncio_build_async_tree(loop, text, sizeof text);

    ck_assert_str_eq(text, tree);
    ck_assert_int_eq(length, (int) strlen(tree));
}

static void
assert_circles(const char *circles)
{
    assert_r(asyncio_build_async_tree(loop, text, sizeof text),
             ASYNCIO_ERR_RUNTIME);
    snprintf(expected, sizeof expected,
             "ERROR: await-graph contains cycles - cannot print a tree!\n%s",
             circles);
    ck_assert_str_eq(text, expected);
}

/* What comes first in each table. */
static void
expect_header(void)
{
    snprintf(expected, sizeof expected,
             "%-10s %-20s %-20s %-50s %-50s %-15s %-15s\n", "tid", "task id",
             "task name", "coroutine stack", "awaiter chain", "awaiter name",
             "awaiter id");
    for (int i = 0; i < 180; i++)
        strcat(expected, "-");
}

static void
expect_row(asyncio_task_t *task, const char *stack, const char *chain,
           const char *name, const void *awaiter)
{
    size_t at = strlen(expected);
    char id[2][24] = {"", "0x0"};

    snprintf(id[0], sizeof id[0], "%p", (void *) task);
    if (awaiter != NULL)
        snprintf(id[1], sizeof id[1], "%p", awaiter);
    snprintf(expected + at, sizeof expected - at,
             "\n%-10d %-20s %-20s %-50s %-50s %-15s %-15s", (int) getpid(),
             id[0], asyncio_task_get_name(task), stack, chain, name, id[1]);
}

static void
assert_table(void)
{
    int length = asyncio_build_task_table(loop, text, sizeof text);

    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(length, (int) strlen(expected));
}

/* parity: test_tools.py TestAsyncioToolsBasic test_empty_input_tree */
PLAIN(the_tree_of_no_tasks_is_empty)
{
    begin();
    assert_tree("");
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_empty_input_table */
PLAIN(the_table_of_no_tasks_has_no_rows)
{
    begin();
    expect_header();
    assert_table();
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_single_task_tree */
PLAIN(the_tree_of_one_task_is_one_line)
{
    begin();
    add("alone", NULL);
    assert_tree("└── (T) alone");
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_single_task_table */
PLAIN(the_table_of_one_task_has_one_row)
{
    begin();
    add("alone", &fetch);
    expect_header();
    expect_row(tasks[0], "fetch", "", "", NULL);
    assert_table();
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_only_independent_tasks_tree */
PLAIN(independent_tasks_are_roots)
{
    begin();
    add("one", NULL);
    add("two", &fetch);
    assert_tree("└── (T) one\n"
                "└── (T) two\n"
                "    └──  fetch fetch.c:7");
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_only_independent_tasks_table */
PLAIN(independent_tasks_have_no_awaiter)
{
    begin();
    add("one", NULL);
    add("two", NULL);
    expect_header();
    expect_row(tasks[0], "", "", "", NULL);
    expect_row(tasks[1], "", "", "", NULL);
    assert_table();
    end();
}

/* parity: test_tools.py TestAsyncioToolsTree test_asyncio_utils */
PLAIN(a_task_that_several_await_is_shown_below_each)
{
    begin();
    add("r1", NULL);
    add("r2", NULL);
    add("a", NULL);
    add("b", NULL);
    awaits(tasks[0], tasks[2]);
    awaits(tasks[1], tasks[2]);
    awaits(tasks[2], tasks[3]);
    assert_tree("└── (T) r1\n"
                "    └── (T) a\n"
                "        └── (T) b\n"
                "└── (T) r2\n"
                "    └── (T) a\n"
                "        └── (T) b");
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_complex_tree */
/* parity: test_tools.py TestAsyncioToolsEdgeCases test_duplicate_coroutine_frames */
PLAIN(what_a_coroutine_waits_for_is_below_it_and_it_is_shown_once)
{
    begin();
    add("main", &fetch);
    add("a", NULL);
    add("b", &fetch);
    add("c", NULL);
    awaits(tasks[0], tasks[1]);
    awaits(tasks[0], tasks[3]);
    awaits(tasks[1], tasks[2]);
    assert_tree("└── (T) main\n"
                "    └──  fetch fetch.c:7\n"
                "        ├── (T) a\n"
                "        │   └── (T) b\n"
                "        │       └──  fetch fetch.c:7\n"
                "        └── (T) c");
    end();
}

/* parity: test_tools.py TestAsyncioToolsTable test_asyncio_utils */
/* parity: test_tools.py TestAsyncioToolsBasic test_complex_table */
PLAIN(a_task_has_a_row_for_each_of_its_awaiters)
{
    begin();
    add("r1", &fetch);
    add("r2", NULL);
    add("a", NULL);
    add("b", &fetch);
    awaits(tasks[0], tasks[2]);
    awaits(tasks[1], tasks[2]);
    awaits(tasks[2], tasks[3]);
    expect_header();
    expect_row(tasks[0], "fetch", "", "", NULL);
    expect_row(tasks[1], "", "", "", NULL);
    expect_row(tasks[2], "", "fetch", "r1", tasks[0]);
    expect_row(tasks[2], "", "", "r2", tasks[1]);
    expect_row(tasks[3], "fetch", "", "a", tasks[2]);
    assert_table();
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_table_output_format */
PLAIN(the_rows_of_a_table_have_seven_columns_with_hexadecimal_ids)
{
    int tid;
    char id[24], name[24], stack[24], awaiter_id[24];

    begin();
    add("alone", &fetch);
    ck_assert_int_gt(asyncio_build_task_table(loop, text, sizeof text), 0);
    const char *row = strrchr(text, '\n') + 1;
    ck_assert_int_eq(sscanf(row, "%d %23s %23s %23s %23s", &tid, id, name,
                            stack, awaiter_id),
                     5);
    ck_assert_int_eq(tid, (int) getpid());
    ck_assert_int_eq(strncmp(id, "0x", 2), 0);
    ck_assert_str_eq(name, "alone");
    ck_assert_str_eq(stack, "fetch");
    ck_assert_str_eq(awaiter_id, "0x0");
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_cycle_detection */
PLAIN(tasks_that_await_each_other_have_no_tree)
{
    begin();
    add("a", NULL);
    add("b", NULL);
    awaits(tasks[0], tasks[1]);
    awaits(tasks[1], tasks[0]);
    assert_circles("\ncycle: a → b → a");
    end();
}

/* parity: test_tools.py TestAsyncioToolsEdgeCases test_task_awaits_self */
PLAIN(a_task_that_awaits_itself_is_a_circle)
{
    begin();
    add("self", NULL);
    awaits(tasks[0], tasks[0]);
    assert_circles("\ncycle: self → self");
    end();
}

/* parity: test_tools.py TestAsyncioToolsTree test_asyncio_utils_cycles */
PLAIN(all_circles_are_listed)
{
    begin();
    add("a", NULL);
    add("b", NULL);
    add("c", NULL);
    add("d", NULL);
    awaits(tasks[0], tasks[1]);
    awaits(tasks[1], tasks[0]);
    awaits(tasks[2], tasks[3]);
    awaits(tasks[3], tasks[2]);
    assert_circles("\ncycle: a → b → a\ncycle: c → d → c");
    end();
}

/* parity: test_tools.py TestAsyncioToolsBasic test_multiple_cycles_same_node */
PLAIN(all_circles_through_one_task_are_listed)
{
    begin();
    add("a", NULL);
    add("b", NULL);
    add("c", NULL);
    awaits(tasks[0], tasks[1]);
    awaits(tasks[1], tasks[0]);
    awaits(tasks[0], tasks[2]);
    awaits(tasks[2], tasks[0]);
    assert_circles("\ncycle: a → b → a\ncycle: a → c → a");
    end();
}

/* parity: test_tools.py TestAsyncioToolsEdgeCases test_task_with_missing_awaiter_id */
PLAIN(an_awaiter_that_is_no_task_of_the_loop_is_unknown)
{
    begin();
    asyncio_future_t *other = asyncio_loop_create_future(loop);

    add("a", NULL);
    awaits(other, tasks[0]);
    expect_header();
    expect_row(tasks[0], "", "", "Unknown", other);
    assert_table();
    assert_tree("└── (T) Unknown\n"
                "    └── (T) a");
    asyncio_future_unref(other);
    end();
}

/* parity: test_tools.py TestAsyncioToolsEdgeCases test_task_with_no_name */
PLAIN(a_task_may_have_an_empty_name)
{
    begin();
    add("", NULL);
    assert_tree("└── (T) ");
    expect_header();
    expect_row(tasks[0], "", "", "", NULL);
    assert_table();
    end();
}

struct chain {
    int left;
};

static int
chain(void *arg)
{
    struct chain *self = arg;
    int r;

    if (self->left == 0) {
        r = asyncio_build_async_tree(NULL, text, sizeof text);
        return r > 0 ? 0 : r;
    }
    asyncio_task_t *next = asyncio_create_task(
        asyncio_coro(chain, .left = self->left - 1), .name = "link");
    r = asyncio_await(next);
    asyncio_task_unref(next);
    return r;
}

/* Of C's own stacks there is no chain to show; of tasks there is. */
/* parity: test_tools.py TestAsyncioToolsBasic test_deep_coroutine_chain */
BEHAVIOUR(a_chain_of_tasks_that_run_is_as_deep_as_it_is_long)
{
    asyncio_task_set_name(asyncio_current_task(), "main");
    assert_r(chain(&(struct chain){5}), 0);
    const char *at = text;

    ck_assert_int_eq(strncmp(at, "└── (T) main", strlen("└── (T) main")), 0);
    for (int i = 0; i < 5; i++) {
        at = strstr(at, "(T) link");
        ck_assert_ptr_nonnull(at);
        at++;
    }
    ck_assert_ptr_null(strstr(at, "(T) link"));
    ck_assert_ptr_nonnull(strstr(at, "chain "));
}

BEHAVIOUR(a_tree_that_is_too_deep_is_cut)
{
    assert_r(chain(&(struct chain){200}), 0);
    ck_assert_str_eq(text + strlen(text) - 4, " ...");
}

BEHAVIOUR(a_task_that_really_awaits_itself_never_shows)
{
    /* That is refused, so it cannot be seen. */
    assert_r(asyncio_await(asyncio_current_task()), ASYNCIO_ERR_RUNTIME);
    ck_assert_int_gt(asyncio_build_async_tree(NULL, NULL, 0), 0);
}
