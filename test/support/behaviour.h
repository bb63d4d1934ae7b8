/* SPDX-License-Identifier: MIT */
/*
 * A thin layer on Check: a test file is a list of behaviours, each a sentence.
 *
 *     #include "behaviour.h"
 *
 *     PLAIN(an_empty_list_has_no_first_entry)
 *     {
 *         ck_assert_ptr_null(...);
 *     }
 *
 *     BEHAVIOUR(a_sleep_of_zero_yields_once)
 *     {
 *         assert_r(asyncio_sleep(0), 0);
 *     }
 *
 * There is no list to keep and no main() to write. BEHAVIOUR's body runs in a
 * task, in a loop whose clock is virtual; PLAIN's runs without a loop. A
 * SCENARIO's body runs in a task again and again, each time with another
 * allocation that fails, ours or libuv's: it returns an error code, 0 at first,
 * and UV_ENOMEM (or what .nomem says) whenever it noticed. libuv aborts at some
 * of its own; these are printed, and pass.
 *
 * Options are designated initialisers: PLAIN(stops_with_a_sentence, .signal =
 * SIGABRT) expects that signal, .exit an exit status, .times = n repeats the
 * body with _i from 0 to n - 1, and .timeout is in seconds.
 *
 * Every body runs in a child of its own. Afterwards everything must be as it
 * was before: the open file descriptors, and whatever the library counts.
 * CK_FORK=no runs everything in one process, for a debugger; CK_RUN_CASE=name
 * runs one behaviour alone.
 */
#ifndef TEST_SUPPORT_BEHAVIOUR_H
#define TEST_SUPPORT_BEHAVIOUR_H

#include <check.h>
#include <signal.h>
#include <stdbool.h>

#include <asyncio/exceptions.h>

struct behaviour_options {
    char unused;    /* lets the options be empty                          */
    int times;      /* how often to run, _i counts; 0: once, _i is 0      */
    int signal;     /* the body must end by this signal; 0: it returns    */
    int exit;       /* the body must call exit() with this; 0: it returns */
    int nomem;      /* what a scenario may return instead of UV_ENOMEM    */
    double timeout; /* seconds until it counts as hung; 0: Check's choice */
    bool leaks;     /* do not compare the counters afterwards             */
};

struct behaviour {
    TTest test;
    struct behaviour_options options;
    struct behaviour *next;
    union {
        void (*returns_nothing)(int _i);
        int (*returns_error)(int _i);
    } body;
};

/* Called before main() for every behaviour of the program. */
void behaviour_register(struct behaviour *b);

/* What a child runs around a body. */
void behaviour_run_plain(const struct behaviour *b, int _i);
void behaviour_run_in_task(const struct behaviour *b, int _i);
void behaviour_run_scenario(const struct behaviour *b, int _i);

/* clang-format off */
#define BEHAVIOUR_DEFINE(run_, type_, member_, name_, ...)                   \
    static type_ name_##_body(int _i);                                       \
    static void name_##_run(int _i);                                         \
    static struct behaviour name_##_behaviour = {                            \
        .test = {#name_, name_##_run, __FILE__, __LINE__},                   \
        .options = {.unused = 0, __VA_ARGS__},                               \
        .body.member_ = name_##_body,                                        \
    };                                                                       \
    __attribute__((constructor)) static void name_##_register(void)          \
    {                                                                        \
        behaviour_register(&name_##_behaviour);                              \
    }                                                                        \
    static void name_##_run(int _i) { run_(&name_##_behaviour, _i); }        \
    static type_ name_##_body(int _i __attribute__((unused)))
/* clang-format on */

/* A behaviour that needs no loop. */
#define PLAIN(...) \
    BEHAVIOUR_DEFINE(behaviour_run_plain, void, returns_nothing, __VA_ARGS__, )

/* A behaviour seen from inside a task, under the virtual clock. */
#define BEHAVIOUR(...)                                            \
    BEHAVIOUR_DEFINE(behaviour_run_in_task, void, returns_nothing, \
                     __VA_ARGS__, )

/* Something that survives the failure of any one allocation, and of all. */
#define SCENARIO(...)                                             \
    BEHAVIOUR_DEFINE(behaviour_run_scenario, int, returns_error, \
                     __VA_ARGS__, )

/* `expression` is an error code, or a result, and equals `code`. */
#define assert_r(expression, code)                                        \
    behaviour_assert_r((expression), (code), #expression, __FILE__,       \
                       __LINE__)
void behaviour_assert_r(int r, int expected, const char *expression,
                        const char *file, int line);

/* `expression` is no error; the value of the assertion is its result. */
#define assert_ok(expression) \
    behaviour_assert_ok((expression), #expression, __FILE__, __LINE__)
int behaviour_assert_ok(int r, const char *expression, const char *file,
                        int line);

/* Calling `function(argument)` in a process of its own ends by `signal`, and
 * what that wrote to stderr contains `text`. */
#define assert_dies(function, argument, signal, text)                  \
    behaviour_assert_dies((function), (argument), (signal), (text),    \
                          #function, __FILE__, __LINE__)
void behaviour_assert_dies(void (*function)(void *), void *argument,
                           int signal, const char *text, const char *name,
                           const char *file, int line);

/* Around any body: what it must leave as it was. */
typedef void (*behaviour_call_cb)(const struct behaviour *b, int _i);
void behaviour_run(const struct behaviour *b, int _i, behaviour_call_cb call);

struct behaviour_state;
struct behaviour_state *behaviour_state_take(void);
/* Fails when anything differs, unless .leaks; `when` says what happened before.
 * Frees `before`. */
void behaviour_state_compare(struct behaviour_state *before,
                             const struct behaviour *b, const char *when);

#endif
