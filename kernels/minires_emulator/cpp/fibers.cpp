// Fibers: every CUDA thread of a block runs on a stack of its own, and they take turns.
//
// A fiber begins by makecontext, once; from then on _setjmp and _longjmp switch, which cost no
// system call. A fiber whose thread has ended takes the next thread that has not begun, so that a
// kernel without barriers never switches.
#include "runtime.h"

#include <sys/mman.h>
#include <ucontext.h>

namespace emulator {

constexpr size_t STACK = 256 << 10, GUARD = 64 << 10;  // bytes; the guard lies below the stack

struct Fiber {
    jmp_buf context;
    bool begun;
};

static char *stacks;  // MAX_THREADS times a guard and a stack
static Fiber fibers[MAX_THREADS];
static int idle[MAX_THREADS], n_idle;
static jmp_buf scheduler;

bool have_stacks() {
    if (stacks) return true;
    constexpr size_t bytes = MAX_THREADS * (GUARD + STACK);
    void *p = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    for (int i = 0; i < MAX_THREADS; i++) {
        char *stack = (char *)p + i * (GUARD + STACK) + GUARD;
        if (mprotect(stack, STACK, PROT_READ | PROT_WRITE) != 0) {
            munmap(p, bytes);
            return false;
        }
    }
    stacks = (char *)p;
    forget_fibers();
    return true;
}

void forget_fibers() {
    n_idle = 0;
    for (int i = MAX_THREADS - 1; i >= 0; i--) {
        fibers[i].begun = false;
        idle[n_idle++] = i;
    }
}

static char *stack(int fiber) { return stacks + fiber * (GUARD + STACK) + GUARD; }

static int slot_of(const void *address) {
    const char *p = (const char *)address;
    if (p < stacks || p >= stacks + MAX_THREADS * (GUARD + STACK)) return -1;
    return (int)((p - stacks) / (GUARD + STACK));
}

int stack_of(const void *address) {
    const int slot = slot_of(address);
    return slot >= 0 && (const char *)address >= stack(slot) ? slot : -1;
}

bool in_stack_guard(const void *address) {
    const int slot = slot_of(address);
    return slot >= 0 && (const char *)address < stack(slot);
}

bool in_own_stack(const char *begin, size_t bytes) {
    const char *mine = stack(threads[current].fiber);
    return begin >= mine && begin + bytes <= mine + STACK;
}

// The next thread in the scheduler's order that has not begun; -1 if one that has comes before it.
int next_fresh();
void thread_ended();

static void run_threads() {
    for (;;) {
        launch->kernel(launch->arguments);
        thread_ended();
        const int fiber = threads[current].fiber, next = next_fresh();
        if (next >= 0) {
            current = next;
            threads[current].fiber = fiber;
            threads[current].state = READY;
            threadIdx = threads[current].index;
        } else {
            idle[n_idle++] = fiber;
            if (!_setjmp(fibers[fiber].context)) _longjmp(scheduler, 1);
        }
    }
}

void wait_here() {
    if (!_setjmp(fibers[threads[current].fiber].context)) _longjmp(scheduler, 1);
}

__attribute__((noinline)) void resume(int thread) {
    Thread &t = threads[thread];
    current = thread;
    threadIdx = t.index;
    if (t.state == FRESH) {
        t.fiber = idle[--n_idle];
        t.state = READY;
    }
    Fiber &fiber = fibers[t.fiber];
    if (!_setjmp(scheduler)) {
        if (fiber.begun) _longjmp(fiber.context, 1);
        fiber.begun = true;
        ucontext_t context;
        getcontext(&context);
        context.uc_stack.ss_sp = stack(t.fiber);
        context.uc_stack.ss_size = STACK;
        context.uc_link = nullptr;
        makecontext(&context, run_threads, 0);
        setcontext(&context);
    }
    current = -1;
}

}  // namespace emulator
