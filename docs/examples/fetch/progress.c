/* SPDX-License-Identifier: MIT */
/*
 * What people see: a bar with rate and remaining time on a terminal, plain
 * lines in a file or a pipe, and a summary in the end.
 *
 * Nothing that a server sent is printed, except a status, and no control
 * characters of a URL: a list of URLs must not take over the terminal.
 */
#include "progress.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    BAR_MAX = 48, /* cells */
    BAR_MIN = 8
};

static const char red[] = "\033[31m", green[] = "\033[32m",
                  cyan[] = "\033[36m", bold[] = "\033[1m", dim[] = "\033[2m",
                  plain[] = "\033[0m";

void
progress_init(struct progress *progress, const struct options *options)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

    setlocale(LC_CTYPE, "");
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* a pipe gets its lines in time */
    *progress = (struct progress){
        .terminal = isatty(STDOUT_FILENO) && term != NULL
                    && strcmp(term, "dumb") != 0,
        .unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .verbose = options->verbose,
        .quiet = options->quiet,
    };
    progress->colours = progress->terminal
                        && (no_color == NULL || *no_color == '\0');
}

static const char *
paint(const struct progress *progress, const char *colour)
{
    return progress->colours ? colour : "";
}

static int
columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
               ? size.ws_col
               : 80;
}

static void
draw_bar(const struct progress *progress, double share, int cells)
{
    bool unicode = progress->unicode;
    int halves = (int) floor(share * cells * 2), i = 0;

    fputs(paint(progress, share < 1 ? cyan : green), stdout);
    for (; i < halves / 2; i++)
        fputs(unicode ? "━" : "#", stdout);
    if (halves % 2 == 1 && i++ < cells)
        fputs(unicode ? "╸" : ">", stdout);
    fputs(paint(progress, plain), stdout);
    fputs(paint(progress, dim), stdout);
    for (; i < cells; i++)
        fputs(unicode ? "─" : "-", stdout);
    fputs(paint(progress, plain), stdout);
}

void
progress_draw(struct progress *progress, const struct stats *stats, double now)
{
    unsigned done = stats->ok + stats->failed;
    double elapsed = now - stats->began;
    double rate = elapsed > 0 ? done / elapsed : 0;
    double rest = rate > 0 ? (stats->total - done) / rate : 0;
    char text[160], a[32], b[32], c[32], d[32], eta[32] = "-:--";

    if (!progress->terminal || progress->quiet || stats->total == 0)
        return;
    if (done > 0 && rest < 6000)
        snprintf(eta, sizeof eta, "%.0f:%02.0f", floor(ceil(rest) / 60),
                 fmod(ceil(rest), 60));
    snprintf(text, sizeof text, "  %s/%s  %9s  %6s/s  eta %s",
             format_count(a, sizeof a, done),
             format_count(b, sizeof b, stats->total),
             format_bytes(c, sizeof c, (double) stats->bytes),
             format_count(d, sizeof d, rate), eta);

    int cells = columns() - (int) strlen(text) - 4;
    fputs("\r  ", stdout);
    if (cells >= BAR_MIN)
        draw_bar(progress, (double) done / stats->total,
                 cells < BAR_MAX ? cells : BAR_MAX);
    printf("%.*s\033[K", columns() - 3, text);
    fflush(stdout);
    progress->drawn = true;
}

void
progress_clear(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stdout);
    fflush(stdout);
    progress->drawn = false;
}

/* Printable ASCII, and not too much of it. */
static char *
format_text(char *buffer, size_t size, const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0' && i < size - 1; i++)
        buffer[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    buffer[i] = '\0';
    return buffer;
}

void
progress_page(struct progress *progress, const struct page *page, int r)
{
    bool wanted = r < 0 || progress->verbose || !progress->terminal;
    const char *sign = r < 0 ? "x" : " ";
    char bytes[32], time[32], url[256], status[16] = " - ";

    if (!wanted || (progress->quiet && r == 0))
        return;
    if (progress->terminal && progress->unicode)
        sign = r < 0 ? "✗" : "✓";
    if (page->status > 0)
        snprintf(status, sizeof status, "%d", page->status);
    progress_clear(progress);
    printf("%s%s%s %s  %9s  %8s  %s", paint(progress, r < 0 ? red : green),
           sign, paint(progress, plain), status,
           format_bytes(bytes, sizeof bytes, (double) page->bytes),
           format_seconds(time, sizeof time, page->latency),
           format_text(url, sizeof url, page->text));
    if (r < 0)
        printf("  %s(%s)%s", paint(progress, red), page->reason,
               paint(progress, plain));
    putchar('\n');
}

/* "  name       value" */
static void ASYNCIO_PRINTF(3, 4)
row(const struct progress *progress, const char *name, const char *format, ...)
{
    va_list arguments;

    printf("  %s%-12s%s", paint(progress, dim), name, paint(progress, plain));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static void
latency_row(const struct progress *progress, struct stats *stats)
{
    const double shares[] = {0.50, 0.95, 0.99, 1};
    char t[4][32];

    if (stats->ok == 0)
        return;
    for (int i = 0; i < 4; i++)
        format_seconds(t[i], sizeof t[i], stats_percentile(stats, shares[i]));
    row(progress, "latency", "p50 %s, p95 %s, p99 %s, max %s", t[0], t[1], t[2],
        t[3]);
}

static void
error_rows(const struct progress *progress, const struct stats *stats)
{
    if (stats->kind_count == 0)
        row(progress, "errors", "none");
    for (unsigned i = 0; i < stats->kind_count; i++)
        row(progress, i == 0 ? "errors" : "", "%s%u %s%s", paint(progress, red),
            stats->kinds[i].count, stats->kinds[i].name,
            paint(progress, plain));
}

void
progress_summary(struct progress *progress, struct session *session,
                 bool interrupted)
{
    struct stats *stats = &session->stats;
    unsigned done = stats->ok + stats->failed;
    double elapsed = stats->ended - stats->began, alone = 0;
    double per_second = elapsed > 0 ? 1 / elapsed : 0;
    char a[32], b[32], c[32], d[32], e[32];

    progress_clear(progress);
    if (progress->quiet && !interrupted)
        return;
    for (unsigned i = 0; i < stats->ok; i++)
        alone += stats->latency[i];
    if (interrupted)
        printf("\n  %sInterrupted%s after %u of %u pages:\n",
               paint(progress, bold), paint(progress, plain), done,
               stats->total);
    printf("\n  %s%s%s%s pages%s in %s, %s requests/s\n",
           paint(progress, bold),
           paint(progress, stats->failed > 0 ? red : green),
           format_count(a, sizeof a, stats->ok),
           stats->failed > 0 || interrupted ? " good" : "",
           paint(progress, plain), format_seconds(b, sizeof b, elapsed),
           format_count(c, sizeof c,
                        (done + stats->redirects + stats->retries)
                            * per_second));
    row(progress, "received", "%s, %s/s",
        format_bytes(d, sizeof d, (double) stats->bytes),
        format_bytes(e, sizeof e, (double) stats->bytes * per_second));
    latency_row(progress, stats);
    row(progress, "connections", "%u opened, reused %u times",
        session->pool.opened, session->pool.reused);
    row(progress, "on the way", "%u redirects, %u retries", stats->redirects,
        stats->retries);
    error_rows(progress, stats);
    if (elapsed > 0 && alone > 1.5 * elapsed)
        row(progress, "one by one",
            "it would have taken %s: %.1f times as long",
            format_seconds(a, sizeof a, alone), alone / elapsed);
    putchar('\n');
}
