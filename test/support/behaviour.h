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
 * There is no list to keep and no main() to write. Options are designated
 * initialisers: PLAIN(stops_with_a_sentence, .signal = SIGABRT) expects that
 * signal, `.exit` an exit status, `.times = n` repeats the body with `_i` from
 * 0 to n - 1, and `.timeout` is in seconds.
 *
 * Every body runs in a child of its own. Afterwards what it opened must be
 * closed: file descriptors, and everything that the library counts.
 */
#ifndef TEST_SUPPORT_BEHAVIOUR_H
#define TEST_SUPPORT_BEHAVIOUR_H

#include <check.h>
#include <signal.h>
#include <stdbool.h>

struct behaviour_options {
    char unused;    /* lets the options be empty                          */
    int times;      /* how often to run, _i counts; 0: once, _i is 0      */
    int signal;     /* the body must end by this signal; 0: it returns    */
    int exit;       /* the body must call exit() with this; 0: it returns */
    double timeout; /* seconds until it counts as hung; 0: Check's choice */
    bool leaks;     /* do not compare the counters afterwards             */
};

struct behaviour {
    TTest test;
    struct behaviour_options options;
    struct behaviour *next;
    void (*body)(int _i);
};

/* Called before main() for every behaviour of the program. */
void behaviour_register(struct behaviour *b);

/* What a child runs around a body. */
void behaviour_run_plain(const struct behaviour *b, int _i);

#define BEHAVIOUR_DEFINE(run_, name_, ...)                               \
    static void name_##_body(int _i);                                    \
    static void name_##_run(int _i);                                     \
    static struct behaviour name_##_behaviour = {                        \
        .test = {#name_, name_##_run, __FILE__, __LINE__},               \
        .options = {.unused = 0, __VA_ARGS__},                           \
        .body = name_##_body,                                            \
    };                                                                   \
    __attribute__((constructor)) static void name_##_register(void)      \
    {                                                                    \
        behaviour_register(&name_##_behaviour);                          \
    }                                                                    \
    static void name_##_run(int _i) { run_(&name_##_behaviour, _i); }    \
    static void name_##_body(int _i __attribute__((unused)))

/* A behaviour that needs no loop. */
#define PLAIN(...) BEHAVIOUR_DEFINE(behaviour_run_plain, __VA_ARGS__, )

#endif
