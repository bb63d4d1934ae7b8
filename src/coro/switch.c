/* SPDX-License-Identifier: MIT */
/*
 * Choosing a back-end, and making contexts.
 *
 * Every coroutine is made by makecontext(); with ucontext it is also entered
 * and left by swapcontext(), which is the reference and costs two system
 * calls. With sjlj only the first entry is a setcontext(), all others are
 * _longjmp(). The assembly needs no more than a few words on the new stack.
 *
 * Not safe everywhere: hardware shadow stacks know nothing of longjmp or of
 * our jumps, and ThreadSanitizer aborts on them; both get ucontext.
 */
#include "coro/switch.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/panic.h"
#include "config.h"

enum aio__switch_backend aio__switch_backend = AIO__SWITCH_UCONTEXT;

/* What makecontext() passes on; lives at the top of the new stack. */
struct start {
    void (*entry)(void *arg);
    void *arg;
    ucontext_t context;
};

static const char *const names[] = {
    [AIO__SWITCH_ASM] = "asm",
    [AIO__SWITCH_SJLJ] = "sjlj",
    [AIO__SWITCH_UCONTEXT] = "ucontext",
};

const char *
aio__switch_name(enum aio__switch_backend backend)
{
    return names[backend];
}

static bool
shadow_stack(void)
{
#if defined(__x86_64__) && defined(SYS_arch_prctl)
    enum {
        ARCH_SHSTK_STATUS = 0x5005
    };
    uint64_t features = 0;

    return syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &features) == 0
        && (features & 1) != 0;
#else
    return false;
#endif
}

static bool
available(enum aio__switch_backend backend)
{
    if (backend == AIO__SWITCH_UCONTEXT)
        return true;
    if (AIO__TSAN || shadow_stack())
        return false;
    return backend == AIO__SWITCH_SJLJ || AIO__SWITCH_HAVE_ASM;
}

bool
aio__switch_force(enum aio__switch_backend backend)
{
    if (!available(backend))
        return false;
    aio__switch_backend = backend;
    return true;
}

void
aio__switch_select(const char *name)
{
    enum aio__switch_backend wanted = AIO__SWITCH_ASM;

    if (name == NULL)
        name = AIO__SWITCH;
    for (int i = 0; i < AIO__SWITCH_BACKENDS; i++)
        if (strcmp(name, names[i]) == 0)
            wanted = (enum aio__switch_backend) i;
    while (!aio__switch_force(wanted))
        wanted = (enum aio__switch_backend)(wanted + 1);
}

/* makecontext() passes ints only. */
static void
on_start(unsigned high, unsigned low)
{
    struct start *start =
        (struct start *) (((uintptr_t) high << 32) | (uintptr_t) low);

    start->entry(start->arg);
    aio__panic("a coroutine's entry function returned");
}

static void
make_ucontext(struct aio__context *context, char *low, size_t size,
              void (*entry)(void *arg), void *arg)
{
    uintptr_t top = ((uintptr_t) low + size - sizeof(struct start))
        & ~(uintptr_t) 63;
    struct start *start = (struct start *) top;
    uint64_t address = (uint64_t) top;

    start->entry = entry;
    start->arg = arg;
    if (getcontext(&start->context) < 0)
        aio__panic("getcontext failed");
    start->context.uc_stack.ss_sp = low;
    start->context.uc_stack.ss_size = top - (uintptr_t) low;
    start->context.uc_link = NULL;
    makecontext(&start->context, (void (*)(void)) on_start, 2,
                (unsigned) (address >> 32), (unsigned) address);
    context->sp = &start->context;
}

#if AIO__SWITCH_HAVE_ASM
void aio__switch_thunk(void);

/* The first frame of a stack: it calls entry(arg), and unwinders stop here. */
#if defined(__x86_64__)
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        ".globl aio__switch_thunk\n"
        ".hidden aio__switch_thunk\n"
        ".type aio__switch_thunk, @function\n"
        "aio__switch_thunk:\n"
        ".cfi_startproc\n"
        ".cfi_undefined rip\n" AIO__LANDING "\n"
        "    popq %rdi\n"
        "    popq %rax\n"
        "    xorl %ebp, %ebp\n"
        "    callq *%rax\n"
        "    ud2\n"
        ".cfi_endproc\n"
        ".size aio__switch_thunk, . - aio__switch_thunk\n"
        ".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        ".globl aio__switch_thunk\n"
        ".hidden aio__switch_thunk\n"
        ".type aio__switch_thunk, %function\n"
        "aio__switch_thunk:\n"
        ".cfi_startproc\n"
        ".cfi_undefined x30\n"
        "    hint #36\n"
        "    ldp x0, x9, [sp], #16\n"
        "    mov x29, xzr\n"
        "    mov x30, xzr\n"
        "    blr x9\n"
        "    brk #1\n"
        ".cfi_endproc\n"
        ".size aio__switch_thunk, . - aio__switch_thunk\n"
        ".popsection\n");
#endif

/* What the thunk takes off the new stack, which is aligned for its call. */
static void
make_asm(struct aio__context *context, char *low, size_t size,
         void (*entry)(void *arg), void *arg)
{
    uintptr_t *sp =
        (uintptr_t *) (((uintptr_t) low + size) & ~(uintptr_t) 15);

    *--sp = (uintptr_t) entry;
    *--sp = (uintptr_t) arg;
    context->sp = sp;
    context->pc = (void *) (uintptr_t) aio__switch_thunk;
    context->fp = NULL;
}
#endif

void
aio__switch_make(struct aio__context *context, void *low, size_t size,
                 void (*entry)(void *arg), void *arg)
{
    context->fresh = true;
#if AIO__SWITCH_HAVE_ASM
    if (aio__switch_backend == AIO__SWITCH_ASM) {
        make_asm(context, low, size, entry, arg);
        return;
    }
#endif
    make_ucontext(context, low, size, entry, arg);
}

void
aio__switch_ucontext(struct aio__context *from, struct aio__context *to)
{
    ucontext_t here;

    from->sp = &here;
    from->fresh = false;
    if (swapcontext(&here, to->sp) < 0)
        aio__panic("swapcontext failed");
}

/* Past the check of fortified builds, which takes a jump to another stack for
 * a mistake. */
_Noreturn void aio__longjmp(struct __jmp_buf_tag *buffer, int value)
    __asm__("_longjmp");

void
aio__switch_sjlj(struct aio__context *from, struct aio__context *to)
{
    jmp_buf here;

    from->sp = &here;
    from->fresh = false;
    if (_setjmp(here) != 0)
        return;
    if (to->fresh) {
        setcontext(to->sp);
        aio__panic("setcontext failed");
    }
    aio__longjmp(to->sp, 1);
}
