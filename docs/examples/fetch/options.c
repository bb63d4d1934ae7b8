/* SPDX-License-Identifier: MIT */
/*
 * The command line, and the list of URLs.
 */
#include "options.h"

#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CACERT = 256 /* an option without a letter */
};

static const char usage[] =
    "Usage: fetch [OPTION...] [URL...]\n"
    "Fetch many pages at once over HTTP/1.1, plain or with TLS.\n"
    "\n"
    "  -c, --concurrency N    requests at the same time (20)\n"
    "  -t, --timeout SECONDS  for one attempt, with its redirects (30)\n"
    "  -r, --retries N        after a failure that may pass (2)\n"
    "  -L, --max-redirects N  to follow for a page (10)\n"
    "  -m, --max-size BYTES   give up on larger pages (any size)\n"
    "  -o, --output DIR       save pages as DIR/host/path\n"
    "      --cacert FILE      authorities to trust for https, besides the system's\n"
    "  -k, --insecure         https without looking at certificates\n"
    "  -v, --verbose          a line for each page, on a terminal, too\n"
    "  -q, --quiet            print errors only\n"
    "  -h, --help             print this\n"
    "\n"
    "URLs are taken from the command line, or one a line from standard input\n"
    "(\"-\" waits for them there). Without any, fetch starts a server of its\n"
    "own in the same event loop and fetches 500 pages from that.\n"
    "\n"
    "The exit status is 0 when all pages are there, 1 when some failed.\n";

static const struct option long_options[] = {
    {"concurrency", required_argument, NULL, 'c'},
    {"timeout", required_argument, NULL, 't'},
    {"retries", required_argument, NULL, 'r'},
    {"max-redirects", required_argument, NULL, 'L'},
    {"max-size", required_argument, NULL, 'm'},
    {"output", required_argument, NULL, 'o'},
    {"cacert", required_argument, NULL, CACERT},
    {"insecure", no_argument, NULL, 'k'},
    {"verbose", no_argument, NULL, 'v'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool
parse_number(const char *text, double min, double max, double *ret_number)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !(number >= min && number <= max))
        return false;
    *ret_number = number;
    return true;
}

static bool
parse_count(const char *text, double min, double max, unsigned *ret_count)
{
    double number;

    if (!parse_number(text, min, max, &number) || floor(number) != number)
        return false;
    *ret_count = (unsigned) number;
    return true;
}

static bool
parse_option(struct options *options, int letter, const char *value)
{
    double number;

    switch (letter) {
    case 'c':
        return parse_count(value, 1, 10000, &options->concurrency);
    case 't':
        return parse_number(value, 0.001, 1e6, &options->timeout);
    case 'r':
        return parse_count(value, 0, 100, &options->retries);
    case 'L':
        return parse_count(value, 0, 100, &options->max_redirects);
    case 'm':
        if (!parse_number(value, 1, 1e18, &number))
            return false;
        options->max_size = (uint64_t) number;
        return true;
    case 'o':
        options->output = value;
        return *value != '\0';
    case CACERT:
        options->cacert = value;
        return *value != '\0';
    case 'k':
        options->insecure = true;
        return true;
    case 'v':
        options->verbose = true;
        return true;
    default:
        options->quiet = true;
        return true;
    }
}

static bool
add_url(struct options *options, const char *url)
{
    unsigned n = options->url_count;

    if ((n & (n - 1)) == 0) {
        char **urls = realloc(options->urls,
                              (n > 0 ? 2 * n : 1) * sizeof *urls);
        if (urls == NULL)
            return false;
        options->urls = urls;
    }
    options->urls[n] = strdup(url);
    if (options->urls[n] == NULL)
        return false;
    options->url_count++;
    return true;
}

/* One URL a line; empty lines and comments are skipped. */
static bool
read_urls(struct options *options, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    bool ok = true;

    while (ok && getline(&line, &size, file) > 0) {
        char *url = line + strspn(line, " \t");

        url[strcspn(url, " \t\r\n")] = '\0';
        if (*url != '\0' && *url != '#')
            ok = add_url(options, url);
    }
    free(line);
    return ok;
}

/* Whether somebody gives us a list on standard input. Where it is merely
 * open, as under many a program that runs others, nobody does. */
static bool
urls_are_waiting(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    struct stat st;

    return fstat(STDIN_FILENO, &st) == 0
           && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)
               || S_ISSOCK(st.st_mode))
           && poll(&in, 1, 500) == 1;
}

static int
misuse(const char *what, const char *value)
{
    fprintf(stderr, "fetch: %s%s\nTry 'fetch --help'.\n", what, value);
    return 2;
}

int
options_parse(struct options *options, int argc, char **argv)
{
    int letter;
    bool ok = true, from_stdin = false;

    *options = (struct options){
        .timeout = 30, .concurrency = 20, .retries = 2, .max_redirects = 10};
    while ((letter = getopt_long(argc, argv, "c:t:r:L:m:o:kvqh", long_options,
                                 NULL))
           != -1) {
        if (letter == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (letter == '?')
            return misuse("unknown option, or one without its value", "");
        if (!parse_option(options, letter, optarg))
            return misuse("bad value: ", optarg);
    }
    for (int i = optind; i < argc && ok; i++) {
        if (strcmp(argv[i], "-") == 0)
            from_stdin = true;
        else
            ok = add_url(options, argv[i]);
    }
    if (from_stdin || (optind == argc && urls_are_waiting()))
        ok = ok && read_urls(options, stdin);
    if (!ok)
        return misuse("no memory", "");
    if (options->url_count == 0 && from_stdin)
        return misuse("no URLs on standard input", "");
    return -1;
}

void
options_fini(struct options *options)
{
    for (unsigned i = 0; i < options->url_count; i++)
        free(options->urls[i]);
    free(options->urls);
}
