/* SPDX-License-Identifier: MIT */
/*
 * A resolver of our own in front of the system's, which it replaces in every
 * test program: names that tests have set get the answers that they want, and
 * when they want. Nothing that is no literal ever leaves the machine.
 */
#include "net.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static char known[64];
static const char *const *answers;
static int answers_count;
static atomic_int asked;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static char held[64];
static bool holding;
static int held_count;

void
names_set(const char *name, const char *const *literals, int count)
{
    ck_assert_uint_lt(strlen(name), sizeof known);
    strcpy(known, name);
    answers = literals;
    answers_count = count;
}

int
names_asked(void)
{
    return atomic_load(&asked);
}

void
names_hold(const char *name)
{
    ck_assert_uint_lt(strlen(name), sizeof held);
    pthread_mutex_lock(&lock);
    strcpy(held, name);
    holding = true;
    pthread_mutex_unlock(&lock);
}

void
names_release(void)
{
    pthread_mutex_lock(&lock);
    holding = false;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&lock);
}

int
names_held(void)
{
    int count;

    pthread_mutex_lock(&lock);
    count = held_count;
    pthread_mutex_unlock(&lock);
    return count;
}

static void
hang(const char *name)
{
    pthread_mutex_lock(&lock);
    if (holding && strcmp(name, held) == 0) {
        held_count++;
        while (holding)
            pthread_cond_wait(&released, &lock);
        held_count--;
    }
    pthread_mutex_unlock(&lock);
}

typedef int (*getaddrinfo_fn)(const char *node, const char *service,
                              const struct addrinfo *hints,
                              struct addrinfo **res);

static getaddrinfo_fn systems;

__attribute__((constructor)) static void
find_the_systems(void)
{
    *(void **) &systems = dlsym(RTLD_NEXT, "getaddrinfo");
}

static int
answer(const char *service, const struct addrinfo *hints,
       struct addrinfo **res)
{
    struct addrinfo numeric = *hints;
    struct addrinfo **end = res;

    *res = NULL;
    numeric.ai_flags |= AI_NUMERICHOST;
    for (int i = 0; i < answers_count; i++) {
        struct addrinfo *one;

        if (systems(answers[i], service, &numeric, &one) != 0)
            continue; /* of another family */
        *end = one;
        while (*end != NULL)
            end = &(*end)->ai_next;
    }
    return 0;
}

int
getaddrinfo(const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **res)
{
    if (node == NULL
        || (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0))
        return systems(node, service, hints, res);
    atomic_fetch_add(&asked, 1);
    hang(node);
    if (known[0] != '\0' && strcmp(node, known) == 0)
        return answer(service, hints, res);
    return systems(node, service, hints, res);
}
