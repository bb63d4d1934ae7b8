/* SPDX-License-Identifier: MIT */
/*
 * main() of every test program: makes one Check case of each behaviour (so
 * that CK_RUN_CASE=<name> runs it alone), runs them in forked children, and
 * writes TAP to stdout with Check's closing line as a comment.
 *
 * The child counts what is open before and after the body. Both are done in
 * the child, because only there the body's leftovers exist.
 */
#include "behaviour.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct behaviour *first;
static struct behaviour **last = &first;

void
behaviour_register(struct behaviour *b)
{
    *last = b;
    last = &b->next;
}

/* The number of open file descriptors, without the one that counts them. */
static int
count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_msg(dir != NULL, "/proc/self/fd cannot be read");
    int n = -1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

void
behaviour_run_plain(const struct behaviour *b, int _i)
{
    int fds = count_fds();
    b->body(_i);
    if (!b->options.leaks)
        ck_assert_msg(count_fds() == fds,
                      "file descriptors: %d before, %d after", fds,
                      count_fds());
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
    printf("# %d%%: Checks: %d, Failures: %d\n",
           run > 0 ? (run - failed) * 100 / run : 0, run, failed);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
