/* SPDX-License-Identifier: MIT */
/*
 * Assertions that speak of error codes by name, with the message that the
 * error carries; and one about how a process dies.
 */
#include "behaviour.h"

#include <asyncio/exceptions.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* "ASYNCIO_ERR_VALUE (-5004)", or a number that is no error. */
static const char *
code_text(int r, char *text, size_t size)
{
    if (r < 0)
        snprintf(text, size, "%s (%d)", asyncio_err_name(r), r);
    else
        snprintf(text, size, "%d", r);
    return text;
}

/* ": its message", of the newest error if it is this one. */
static const char *
detail(int r, char *text, size_t size)
{
    const asyncio_exception_t *e = asyncio_current_exception();
    const char *message = asyncio_exception_message(e);

    text[0] = '\0';
    if (r < 0 && asyncio_exception_code(e) == r && message != NULL)
        snprintf(text, size, ": %s", message);
    return text;
}

void
behaviour_assert_r(int r, int expected, const char *expression,
                   const char *file, int line)
{
    char is[64], wanted[64], more[256];

    _mark_point(file, line);
    if (r == expected)
        return;
    _ck_assert_failed(file, line, expression, "%s is %s%s, not %s",
                      expression, code_text(r, is, sizeof is),
                      detail(r, more, sizeof more),
                      code_text(expected, wanted, sizeof wanted));
}

int
behaviour_assert_ok(int r, const char *expression, const char *file, int line)
{
    char is[64], more[256];

    _mark_point(file, line);
    if (r >= 0)
        return r;
    _ck_assert_failed(file, line, expression, "%s is %s%s", expression,
                      code_text(r, is, sizeof is),
                      detail(r, more, sizeof more));
    return r;
}

static void
child_that_dies(void (*function)(void *), void *argument, int out)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    alarm(20);
    dup2(out, STDERR_FILENO);
    function(argument);
    _exit(EXIT_SUCCESS);
}

/* All that comes until the end of file, as far as it fits. */
static void
read_all(int fd, char *text, size_t size)
{
    size_t n = 0;
    char rest[512];

    for (;;) {
        bool full = n == size - 1;
        ssize_t r = full ? read(fd, rest, sizeof rest)
                         : read(fd, text + n, size - 1 - n);
        if (r <= 0)
            break;
        if (!full)
            n += (size_t) r;
    }
    text[n] = '\0';
}

void
behaviour_assert_dies(void (*function)(void *), void *argument, int signal,
                      const char *text, const char *name, const char *file,
                      int line)
{
    char said[4096];
    int ends[2], status;

    _mark_point(file, line);
    fflush(NULL);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(ends[0]);
        child_that_dies(function, argument, ends[1]);
    }
    close(ends[1]);
    read_all(ends[0], said, sizeof said);
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != signal)
        _ck_assert_failed(file, line, name,
                          "%s ended with status %#x, not signal %d; it said: "
                          "%s",
                          name, (unsigned) status, signal, said);
    if (strstr(said, text) == NULL)
        _ck_assert_failed(file, line, name, "%s died without \"%s\": %s",
                          name, text, said);
}
