/* SPDX-License-Identifier: MIT */
/*
 * Reading programs.
 *
 * The text is a list of lines, and blocks are told by "end", so one recursive
 * function reads it. The tag of a line (body, number of the line, name) is made
 * here because every trace line carries it.
 */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "machine.h"

struct reader {
    struct program *program;
    FILE *file;
    char text[512];
    char *words[2 + ARGS_MAX];
    int count; /* of words */
    char place[16]; /* body or callback */
    int number;     /* of the next line in it */
};

static void
bad(const struct reader *reader, const char *why)
{
    fprintf(stderr, "program %llu: %s at \"%s\"\n",
            (unsigned long long) reader->program->seed, why,
            reader->count > 0 ? reader->words[0] : "");
    abort();
}

/* The next line that is not empty, split into words. */
static bool
next_line(struct reader *reader)
{
    do {
        char *rest = NULL;

        if (fgets(reader->text, sizeof reader->text, reader->file) == NULL)
            return false;
        reader->count = 0;
        for (char *word = strtok_r(reader->text, " \n", &rest); word != NULL;
             word = strtok_r(NULL, " \n", &rest))
            if (reader->count < 2 + ARGS_MAX)
                reader->words[reader->count++] = word;
    } while (reader->count == 0);
    return true;
}

static bool
is(const struct reader *reader, const char *word)
{
    return strcmp(reader->words[0], word) == 0;
}

static int
number(const struct reader *reader, int i)
{
    return i < reader->count ? (int) strtol(reader->words[i], NULL, 10) : 0;
}

static struct line *
new_line(struct reader *reader)
{
    struct program *program = reader->program;
    struct line *line = calloc(1, sizeof *line);

    if (program->owned_count == program->owned_size) {
        program->owned_size = program->owned_size * 2 + 64;
        program->owned = realloc(program->owned, program->owned_size
                                                     * sizeof(void *));
    }
    if (line == NULL || program->owned == NULL)
        bad(reader, "no memory");
    program->owned[program->owned_count++] = line;
    line->operation = operation_find(reader->words[0]);
    if (line->operation == NULL)
        bad(reader, "unknown operation");
    for (int i = 1; i < reader->count; i++)
        line->args[line->count++] = number(reader, i);
    snprintf(line->tag, sizeof line->tag, "%s.%d %s", reader->place,
             reader->number++, reader->words[0]);
    return line;
}

/* Read lines until one that does not belong to a block, which is left in the
 * reader; false at the end of the file. */
static bool
read_block(struct reader *reader, struct line **ret_first)
{
    struct line **end = ret_first;

    *ret_first = NULL;
    while (next_line(reader)) {
        struct line *line;

        if (is(reader, "end") || is(reader, "handler") || is(reader, "body")
            || is(reader, "callback") || is(reader, "endprogram"))
            return true;
        line = new_line(reader);
        *end = line;
        end = &line->next;
        if (line->operation->kind != OPERATION_BLOCK)
            continue;
        if (!read_block(reader, &line->body))
            return false;
        if (is(reader, "handler") && !read_block(reader, &line->handler))
            return false;
        if (!is(reader, "end"))
            bad(reader, "a block without end");
    }
    return false;
}

static void
read_object(struct reader *reader)
{
    struct object_line *object =
        &reader->program->objects[reader->program->object_count++];

    if (reader->program->object_count > OBJECTS_MAX)
        bad(reader, "too many objects");
    snprintf(object->kind, sizeof object->kind, "%s", reader->words[1]);
    object->value = number(reader, 2);
}

/* What comes before the first body. */
static bool
read_head(struct reader *reader)
{
    struct program *program = reader->program;

    if (!next_line(reader))
        return false;
    if (!is(reader, "program"))
        bad(reader, "not a program");
    program->seed = strtoull(reader->words[1], NULL, 10);
    program->flags = number(reader, 2);
    while (next_line(reader)) {
        if (is(reader, "object"))
            read_object(reader);
        else if (is(reader, "run") && program->run_count < RUNS_MAX)
            program->runs[program->run_count++] = number(reader, 1);
        else
            return true;
    }
    return false;
}

bool
program_read(struct program *program, FILE *file)
{
    struct reader reader = {.program = program, .file = file};

    memset(program, 0, sizeof *program);
    if (!read_head(&reader))
        return false;
    while (!is(&reader, "endprogram")) {
        bool body = is(&reader, "body");
        int n = number(&reader, 1);

        if (n < 0 || n >= (body ? BODIES_MAX : CALLBACKS_MAX))
            bad(&reader, "number out of range");
        snprintf(reader.place, sizeof reader.place, body ? "%d" : "c%d", n);
        reader.number = 0;
        if (!read_block(&reader, body ? &program->bodies[n]
                                      : &program->callbacks[n]))
            bad(&reader, "unexpected end of file");
    }
    return true;
}

void
program_fini(struct program *program)
{
    for (size_t i = 0; i < program->owned_count; i++)
        free(program->owned[i]);
    free(program->owned);
}
