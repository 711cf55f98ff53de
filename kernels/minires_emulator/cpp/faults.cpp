// Reports, and the ways out of a kernel that cannot go on: a fault of its own, a signal, or time.
//
// Handlers are there during a launch only. They jump out of the kernel to the start of the launch;
// nothing the kernel might hold at that moment (a lock of the C library, say) is held, as all code
// that could take one runs within a `Busy`.
#include "runtime.h"

#include <cstring>
#include <ctime>
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace emulator {

volatile sig_atomic_t busy;
static volatile sig_atomic_t pending;   // a signal that waits for the end of `busy`
static const void *volatile last_site;  // of the last checked access
static sigjmp_buf start_of_launch;
static Status status;
static Report reports[MAX_REPORTS];
static int n_reports;

// ---- reports ------------------------------------------------------------------------------------

Side nobody() { return {0, 0, nullptr, 0, -1, NOTHING, 0}; }

Side here(Action action, const void *site) {
    const char *p = (const char *)site;
    const bool in_module = p > module_base && p <= code_end;
    return {block, in_module ? (uint64_t)(p - module_base) : 0, nullptr, 0, current, action, 0};
}

Side at_place(int thread, Action action, Place place) {
    return {block, 0, place.file, place.line, thread, action, 0};
}

static bool alike(const Report &r, Kind kind, const Side &first, const Side &second) {
    return r.kind == kind && r.first.site == first.site && r.first.line == first.line &&
           r.second.site == second.site && r.second.line == second.line &&
           (r.first.block == r.second.block) == (first.block == second.block);
}

Report *report(Kind kind, Side first, Side second) {
    Busy writing;
    for (int i = 0; i < n_reports; i++)
        if (alike(reports[i], kind, first, second)) return nullptr;
    if (n_reports == MAX_REPORTS) return nullptr;
    Report &r = reports[n_reports++];
    memset(&r, 0, sizeof r);
    r.kind = kind;
    r.argument = -1;
    r.first = first;
    r.second = second;
    return &r;
}

void abandon(Status why) {
    status = why;
    siglongjmp(start_of_launch, 1);
}

// ---- signals ------------------------------------------------------------------------------------

static const int TIME_IS_UP = SIGRTMIN + 11;
static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGINT, TIME_IS_UP};
constexpr int N_CAUGHT = sizeof caught / sizeof *caught;
static struct sigaction before[N_CAUGHT];
static bool installed[N_CAUGHT];
static stack_t stack_before;
static sigset_t mask_before;
static pthread_t launcher;
static timer_t timer;
static bool has_timer;
alignas(16) static char handler_stack[64 << 10];

static int index_of(int signal) {
    int i = 0;
    while (caught[i] != signal) i++;
    return i;
}

static const void *program_counter(void *context) {
    const ucontext_t *c = (const ucontext_t *)context;
#if defined(__x86_64__)
    return (const void *)c->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const void *)c->uc_mcontext.pc;
#else
    return nullptr;
#endif
}

// The site of an instruction, written as return addresses are: one byte on.
static Side interrupted_at(void *context) {
    const char *pc = (const char *)program_counter(context);
    const bool in_module = pc >= module_base && pc < code_end;
    return here(NOTHING, in_module ? pc + 1 : last_site);
}

static void stop(int signal, const Side &where) {
    if (signal == SIGINT) abandon(INTERRUPTED);
    report(TIME_LIMIT, where, nobody());
    abandon(FAULT);
}

void end_busy() {
    busy = busy - 1;
    if (busy || !pending) return;
    const int signal = pending;
    pending = 0;
    stop(signal, here(NOTHING, last_site));
}

// The scheduler was interrupted: any thread that waits tells where the kernel is.
static Side waiting() {
    for (int i = 0; i < n_threads; i++)
        if (threads[i].state == AT_BARRIER || threads[i].state == AT_WARP)
            return at_place(i, WAITS, threads[i].place);
    return at_place(0, NOTHING, {nullptr, 0});
}

static void asked_to_stop(int signal, siginfo_t *info, void *context) {
    if (!pthread_equal(pthread_self(), launcher)) {
        pthread_kill(launcher, signal);
        return;
    }
    if (signal == SIGINT) {  // let Python know, as it would have been
        const struct sigaction &python = before[index_of(SIGINT)];
        if (python.sa_flags & SA_SIGINFO)
            python.sa_sigaction(signal, info, context);
        else
            python.sa_handler(signal);
    }
    if (busy)
        pending = signal;
    else
        stop(signal, current < 0 ? waiting() : interrupted_at(context));
}

static void went_wrong(int signal, siginfo_t *info, void *context) {
    if (!pthread_equal(pthread_self(), launcher) || current < 0) {  // not the kernel's doing
        sigaction(signal, &before[index_of(signal)], nullptr);
        installed[index_of(signal)] = false;
        return;  // the instruction is tried again, and faults again
    }
    Kind kind = WILD_POINTER;
    if (signal == SIGFPE) kind = DIVISION_BY_ZERO;
    if (signal == SIGILL) kind = TRAP;
    if (signal == SIGSEGV && in_stack_guard(info->si_addr)) kind = STACK_OVERFLOW;
    if (Report *r = report(kind, interrupted_at(context), nobody())) {
        if (kind == WILD_POINTER) r->address = (uint64_t)info->si_addr;
        if (kind == WILD_POINTER && info->si_code == SI_KERNEL)  // the address is not known
            strcpy(r->detail, "no possible address, or a misaligned vector");
        if (kind == TRAP) strcpy(r->detail, "the compiler found that this code cannot be right");
    }
    abandon(FAULT);
}

static void install(int i) {
    sigaction(caught[i], nullptr, &before[i]);
    if (caught[i] == SIGINT) {
        const bool handled = before[i].sa_flags & SA_SIGINFO ||
                             (before[i].sa_handler != SIG_IGN && before[i].sa_handler != SIG_DFL);
        if (!handled || !(launch->flags & MAIN_THREAD)) return;
    }
    struct sigaction action = {};
    const bool asks = caught[i] == SIGINT || caught[i] == TIME_IS_UP;
    action.sa_sigaction = asks ? asked_to_stop : went_wrong;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    installed[i] = sigaction(caught[i], &action, nullptr) == 0;
}

// Returns false if there can be no time limit.
bool watch() {
    Busy installing;
    launcher = pthread_self();
    sigset_t needed;  // whoever started this process may have blocked them
    sigemptyset(&needed);
    for (int signal : caught)
        if (signal != SIGINT) sigaddset(&needed, signal);
    pthread_sigmask(SIG_UNBLOCK, &needed, &mask_before);
    stack_t own = {};
    own.ss_sp = handler_stack;
    own.ss_size = sizeof handler_stack;
    sigaltstack(&own, &stack_before);
    for (int i = 0; i < N_CAUGHT; i++) install(i);
    if (launch->limit_seconds <= 0) return true;
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = TIME_IS_UP;
    event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
    has_timer = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
    itimerspec limit = {};
    limit.it_value.tv_sec = (time_t)launch->limit_seconds;
    limit.it_value.tv_nsec = (long)((launch->limit_seconds - (double)limit.it_value.tv_sec) * 1e9);
    return has_timer && timer_settime(timer, 0, &limit, nullptr) == 0;
}

void restore_handlers() {
    for (int i = 0; i < N_CAUGHT; i++) {
        if (installed[i]) sigaction(caught[i], &before[i], nullptr);
        installed[i] = false;
    }
}

void unwatch() {
    if (has_timer) timer_delete(timer);
    has_timer = false;
    restore_handlers();
    sigaltstack(&stack_before, nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
}

}  // namespace emulator
