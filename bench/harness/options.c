/* SPDX-License-Identifier: MIT */
/*
 * The command line of a benchmark program, which people type and which the
 * driver (bench/run.py) speaks with programs in every language.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
usage(const char *program)
{
    printf("usage: %s [options]\n"
           "  --list        print the names of the cases\n"
           "  --case NAME   run this one (again for more; default: all)\n"
           "  --peer NAME   of those, only the ones of this peer\n"
           "  --samples N   samples a case (default: 30, or 7 if long)\n"
           "  --operations N  run once, so often, and print nothing: for tools\n"
           "                that count instructions\n"
           "  --quick       a trial run: shorter samples\n"
           "  --core N      pin to this core (default: the last; none: do "
           "not)\n"
           "  --json        JSON lines, also on a terminal\n"
           "  --force       run even if the build is not optimised\n",
           program);
}

static bool
parse(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"list", no_argument, NULL, 'l'},
        {"case", required_argument, NULL, 'c'},
        {"peer", required_argument, NULL, 'v'},
        {"samples", required_argument, NULL, 's'},
        {"operations", required_argument, NULL, 'o'},
        {"quick", no_argument, NULL, 'q'},
        {"core", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},
        {"force", no_argument, NULL, 'f'},
        {0},
    };
    int option;

    *options = (struct options){.core = -1, .table = isatty(STDOUT_FILENO)};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'l':
            options->list = true;
            break;
        case 'c':
            if (options->filters < 64)
                options->filter[options->filters++] = optarg;
            break;
        case 'v':
            options->variant = optarg;
            break;
        case 's':
            options->samples = atoi(optarg);
            if (options->samples < 1 || options->samples > SAMPLES_MAX)
                return false;
            break;
        case 'o':
            options->operations = strtoull(optarg, NULL, 10);
            break;
        case 'q':
            options->quick = true;
            break;
        case 'p':
            options->core = strcmp(optarg, "none") == 0 ? -2 : atoi(optarg);
            break;
        case 'j':
            options->table = false;
            break;
        case 'f':
            options->force = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc;
}

bool
is_server(const struct bench_case *c)
{
    return strncmp(c->name, "serve/", 6) == 0;
}

void
options_list(const struct bench_case *c, const char *peer)
{
    for (; c->name != NULL; c++)
        printf("%s\t%s\t%s\n", c->name, c->peer == NULL ? peer : c->peer,
               is_server(c) ? "server" : c->macro ? "macro" : "micro");
}

bool
options_want(const struct options *options, const struct bench_case *c)
{
    const char *peer = options->variant;

    if (peer != NULL && c->peer != NULL && strcmp(peer, c->peer) != 0)
        return false;
    for (int i = 0; i < options->filters; i++)
        if (strcmp(options->filter[i], c->name) == 0)
            return true;
    return options->filters == 0 && !is_server(c);
}

bool
options_parse(struct options *options, int argc, char **argv)
{
    if (parse(options, argc, argv))
        return true;
    usage(argv[0]);
    return false;
}
