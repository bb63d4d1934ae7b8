/* SPDX-License-Identifier: MIT */
/*
 * main() of every test program: makes one Check case of each behaviour (so
 * that CK_RUN_CASE=<name> runs it alone), runs them in forked children, and
 * writes TAP to stdout with Check's closing line as a comment.
 */
#include "behaviour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct behaviour *first;
static struct behaviour **last = &first;

/* True while a body runs. */
static bool inside;

void
behaviour_register(struct behaviour *b)
{
    *last = b;
    last = &b->next;
}

/* A body that calls exit(), as a failed assertion does, leaves a loop behind
 * that nobody wants to hear about from a leak checker. */
static void
on_exit_inside(int status, void *arg)
{
    (void) arg;
    if (!inside)
        return;
    fflush(NULL);
    _exit(status);
}

void
behaviour_run(const struct behaviour *b, int _i, behaviour_call_cb call)
{
    struct behaviour_state *before = behaviour_state_take();
    _mark_point(b->test.file, b->test.line);
    on_exit(on_exit_inside, NULL);
    inside = true;
    call(b, _i);
    behaviour_state_compare(before, b, "");
    inside = false;
    _mark_point(b->test.file, b->test.line);
}

static void
call_plain(const struct behaviour *b, int _i)
{
    b->body.returns_nothing(_i);
}

void
behaviour_run_plain(const struct behaviour *b, int _i)
{
    behaviour_run(b, _i, call_plain);
}

static void
add(Suite *suite, struct behaviour *b)
{
    const struct behaviour_options *o = &b->options;
    TCase *tcase = tcase_create(b->test.name);

    if (o->timeout > 0)
        tcase_set_timeout(tcase, o->timeout);
    _tcase_add_test(tcase, &b->test, o->signal, o->exit, 0,
                    o->times > 0 ? o->times : 1);
    suite_add_tcase(suite, tcase);
}

/* TAP has no room for the line of a failure. */
static void
print_failures(SRunner *runner, int failed)
{
    TestResult **results = srunner_failures(runner);

    for (int i = 0; i < failed; i++)
        printf("# %s:%d: %s: %s\n", tr_lfile(results[i]), tr_lno(results[i]),
               tr_tcname(results[i]), tr_msg(results[i]));
    free(results);
}

int
main(int argc, char *argv[])
{
    (void) argc;
    const char *slash = strrchr(argv[0], '/');
    Suite *suite = suite_create(slash != NULL ? slash + 1 : argv[0]);
    for (struct behaviour *b = first; b != NULL; b = b->next)
        add(suite, b);

    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    print_failures(runner, failed);
    printf("# %d%%: Checks: %d, Failures: %d\n",
           run > 0 ? (run - failed) * 100 / run : 0, run, failed);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
