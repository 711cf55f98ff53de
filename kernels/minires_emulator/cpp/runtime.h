// What the parts of the runtime share. They are compiled as one file, runtime.cpp, once.
#pragma once

#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <cstdint>

struct uint3 {  // as in device.h
    unsigned x, y, z;
};
extern "C" {
extern uint3 threadIdx, blockIdx, blockDim, gridDim;
extern char emulator_dynamic_shared[];
}

namespace emulator {

constexpr int MAX_THREADS = 1024;                 // per block
constexpr size_t MAX_DYNAMIC_SHARED = 227 << 10;  // bytes
constexpr int MAX_REPORTS = 64;

// ---- from and to Python: native.py has the same structures --------------------------------------

enum Flags : uint32_t { CHECK = 1, PROFILE = 2, MAIN_THREAD = 4 };

struct Buffer {  // one array of the arguments, in check mode
    char *begin;
    uint64_t bytes;
    int32_t writable, grain;  // grain: bytes that share a cell of shadow memory, 1, 2 or 4
};

struct Object {  // one static shared array: bytes from the start of the module's shared memory
    uint64_t offset, bytes;
    int64_t used;  // whether this kernel uses it
};

struct Launch {
    void (*kernel)(void **);
    void **arguments;
    void *(*touch_shared)();
    const Buffer *buffers;
    const Object *objects;
    uint32_t n_buffers, n_objects;
    uint32_t grid[3], block[3];
    uint64_t dynamic_shared;
    double limit_seconds;  // of processor time; 0: none
    uint32_t order, flags;
    uint64_t max_records;  // of the profile
};

enum Status : int32_t { FINISHED, FAULT, INTERRUPTED, NO_MEMORY };

enum Kind : int32_t {
    WRITE_WRITE_RACE,
    READ_WRITE_RACE,
    OUT_OF_BOUNDS,
    WILD_POINTER,
    UNWRITTEN_SHARED,
    READ_ONLY,
    MISALIGNED,
    DIVERGENT_BARRIER,
    MISSING_LANES,
    TRAP,
    DIVISION_BY_ZERO,
    STACK_OVERFLOW,
    TIME_LIMIT,
};
enum Space : int32_t { NO_SPACE, GLOBAL, SHARED, DYNAMIC_SHARED, LOCAL, MODULE };
enum Action : int32_t { NOTHING, READ, WRITE, ATOMIC, WAITS, LEFT };

struct Side {  // one of the two threads of a report, and where it was
    uint64_t block;
    uint64_t site;  // address of the code, relative to the module; 0: file and line tell
    const char *file;
    int32_t line, thread;  // thread < 0: there is no such side
    Action action;
    int32_t padding;
};

struct Report {
    Kind kind;
    Space space;
    int32_t size;      // bytes of the access
    int32_t argument;  // index of the buffer; -1: none
    int64_t offset;    // of the access from the start of the buffer or of the shared memory
    uint64_t address;
    Side first, second;
    char detail[160];
};

struct Record {  // one access of the first block, for the profile
    uint64_t site, address;
    int32_t thread;
    int16_t size;
    int8_t shared, write;
};

struct Outcome {
    Status status;
    int32_t n_reports;
    const Report *reports;
    uint64_t float_atomics;
    const char *printed;
    uint64_t printed_bytes;
    const Record *records;
    uint64_t n_records;
};

// ---- within the runtime -------------------------------------------------------------------------

struct Place {
    const char *file;
    int line;
};
enum Vote { COUNT, OR, AND };
enum Intrinsic { SYNCWARP, VOTE, SHUFFLE, EXCHANGE };

enum State { FRESH, READY, AT_BARRIER, AT_WARP, GONE };

struct Thread {
    State state;
    int fiber;
    uint3 index;
    Place place;  // where it waits
    int predicate, vote;
    unsigned mask, present;  // of a warp intrinsic, and the lanes that came
    Intrinsic intrinsic;
    unsigned long long mine, *all;
};

extern const Launch *launch;
extern bool checking;
extern Thread threads[MAX_THREADS];
extern int current;     // index of the running thread; -1 while the scheduler runs
extern int n_threads;   // of the block
extern uint64_t block;  // number of the running block

// The module of the running kernel: where it lies in memory.
struct Range {
    char *begin, *end;
    bool writable;
};
extern char *module_base, *code_end;
extern Range shared_memory;

// fibers.cpp
bool have_stacks();
void resume(int thread);  // run it until it waits or ends
void wait_here();         // of the running thread: back to the scheduler
void forget_fibers();     // after a launch was abandoned: their stacks hold half-run kernels
int stack_of(const void *address);  // index of the fiber, -1 if in none
bool in_stack_guard(const void *address);
bool in_own_stack(const char *begin, size_t bytes);

// schedule.cpp
void run_blocks();

// shadow.cpp
bool prepare_shadow();
void release_shadow();
void shadow_block_begins();
void shadow_barrier();
void shadow_syncwarp(unsigned lanes);

// faults.cpp
Side here(Action action, const void *site);
Side at_place(int thread, Action action, Place place);
Side nobody();
Report *report(Kind kind, Side first, Side second);  // null if there is one like it, or no room
[[noreturn]] void abandon(Status status);
bool watch();  // false: there can be no time limit  // signals and time, from here on
void unwatch();

// While one exists, a signal does not leave the kernel at once: memory is being allocated, say.
extern volatile sig_atomic_t busy;
void end_busy();
struct Busy {
    Busy() { busy = busy + 1; }
    ~Busy() { end_busy(); }
};

}  // namespace emulator
