// The scheduler: blocks one after another, the threads of a block in turns, and the places where
// threads wait for each other (block barriers, warp intrinsics).
#include "runtime.h"

#include <cstring>
#include <utility>

extern "C" {
uint3 threadIdx, blockIdx, blockDim, gridDim;
alignas(1024) char emulator_dynamic_shared[emulator::MAX_DYNAMIC_SHARED];
}

namespace emulator {

Thread threads[MAX_THREADS];
int current = -1, n_threads;
uint64_t block;

static int order[MAX_THREADS], position, alive;
static uint64_t random_state;

static uint64_t random_number() {  // xorshift
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static uint64_t gcd(uint64_t a, uint64_t b) { return b ? gcd(b, a % b) : a; }

static void order_threads() {
    for (int i = 0; i < n_threads; i++) order[i] = launch->order == 1 ? n_threads - 1 - i : i;
    if (launch->order >= 2)
        for (int i = n_threads - 1; i > 0; i--)
            std::swap(order[i], order[random_number() % (i + 1)]);
}

int next_fresh() {
    for (position++; position < n_threads; position++) {
        const State state = threads[order[position]].state;
        if (state == FRESH) return order[position];
        if (state == READY) break;
    }
    position--;
    return -1;
}

// ---- warps --------------------------------------------------------------------------------------

static int lanes_of_warp(int warp) {
    return n_threads - 32 * warp < 32 ? n_threads - 32 * warp : 32;
}

// If all lanes of `mask` that are still there wait at the same intrinsic, hand out their values.
static bool meet(int warp, unsigned mask, Intrinsic intrinsic) {
    Thread *lanes = threads + 32 * warp;
    unsigned present = 0;
    for (int i = 0; i < lanes_of_warp(warp); i++) {
        if (!(mask >> i & 1) || lanes[i].state == GONE) continue;
        if (lanes[i].state != AT_WARP || lanes[i].mask != mask || lanes[i].intrinsic != intrinsic)
            return false;
        present |= 1u << i;
    }
    unsigned long long all[32];
    memset(all, 0xff, sizeof all);
    for (int i = 0; i < 32; i++)
        if (present >> i & 1) all[i] = lanes[i].mine;
    for (int i = 0; i < 32; i++) {
        if (!(present >> i & 1)) continue;
        memcpy(lanes[i].all, all, sizeof all);
        lanes[i].present = present;
        lanes[i].state = READY;
    }
    if (checking && intrinsic == SYNCWARP) shadow_syncwarp(present);
    return true;
}

extern "C" unsigned emulator_lane() { return current % 32; }

extern "C" unsigned emulator_exchange(unsigned mask, unsigned long long mine,
                                      unsigned long long *all, Intrinsic intrinsic, Place place) {
    Thread &t = threads[current];
    if (!(mask >> current % 32 & 1)) {
        if (Report *r = report(MISSING_LANES, at_place(current, WAITS, place), nobody()))
            strcpy(r->detail, "the mask does not name the lane that calls");
        abandon(FAULT);
    }
    t.place = place;
    t.mask = mask;
    t.intrinsic = intrinsic;
    t.mine = mine;
    t.all = all;
    t.state = AT_WARP;
    if (!meet(current / 32, mask, intrinsic)) wait_here();
    return t.present;
}

void thread_ended() {
    threads[current].state = GONE;
    alive--;
    const int warp = current / 32;
    for (int i = 0; i < lanes_of_warp(warp); i++) {
        const Thread &t = threads[32 * warp + i];
        if (t.state == AT_WARP && t.mask >> current % 32 & 1) meet(warp, t.mask, t.intrinsic);
    }
}

// ---- block barriers -----------------------------------------------------------------------------

extern "C" int emulator_barrier(Place place, int predicate, Vote vote) {
    Thread &t = threads[current];
    t.place = place;
    t.predicate = predicate != 0;
    t.vote = vote;
    t.state = AT_BARRIER;
    wait_here();
    return t.predicate;
}

static bool same_place(Place a, Place b) { return a.line == b.line && strcmp(a.file, b.file) == 0; }

// Lanes wait for lanes that will not come.
static void missing_lanes(int waiting) {
    const Thread &t = threads[waiting];
    Side other = nobody();
    for (int i = 0; i < lanes_of_warp(waiting / 32) && other.thread < 0; i++) {
        const int candidate = waiting / 32 * 32 + i;
        const Thread &c = threads[candidate];
        const bool with_us = c.state == AT_WARP && c.mask == t.mask && c.intrinsic == t.intrinsic;
        if (t.mask >> i & 1 && c.state != GONE && !with_us)
            other = at_place(candidate, WAITS, c.place);
    }
    if (Report *r = report(MISSING_LANES, at_place(waiting, WAITS, t.place), other))
        strcpy(r->detail, "a lane that the mask names does not come");
    abandon(FAULT);
}

// No thread can go on: all wait at a barrier, or there is a fault.
static void release_barrier() {
    int first = -1, gone = -1, votes[3] = {0, 0, 1};
    for (int i = 0; i < n_threads; i++) {
        const Thread &t = threads[i];
        if (t.state == AT_WARP) missing_lanes(i);
        if (t.state == GONE && gone < 0) gone = i;
        if (t.state != AT_BARRIER) continue;
        if (first < 0) first = i;
        if (!same_place(t.place, threads[first].place)) {
            report(DIVERGENT_BARRIER, at_place(first, WAITS, threads[first].place),
                   at_place(i, WAITS, t.place));
            abandon(FAULT);
        }
        votes[COUNT] += t.predicate;
        votes[OR] |= t.predicate;
        votes[AND] &= t.predicate;
    }
    if (gone >= 0 && checking)
        report(DIVERGENT_BARRIER, at_place(first, WAITS, threads[first].place),
               at_place(gone, LEFT, {nullptr, 0}));
    for (int i = 0; i < n_threads; i++) {
        Thread &t = threads[i];
        if (t.state != AT_BARRIER) continue;
        t.predicate = votes[t.vote];
        t.state = READY;
    }
    if (checking) shadow_barrier();
}

// ---- blocks -------------------------------------------------------------------------------------

static void begin_block(uint64_t number) {
    block = number;
    blockIdx.x = (unsigned)(number % gridDim.x);
    blockIdx.y = (unsigned)(number / gridDim.x % gridDim.y);
    blockIdx.z = (unsigned)(number / gridDim.x / gridDim.y);
    for (int i = 0; i < n_threads; i++) {
        threads[i].state = FRESH;
        const unsigned t = (unsigned)i;
        threads[i].index = {t % blockDim.x, t / blockDim.x % blockDim.y,
                            t / blockDim.x / blockDim.y};
    }
    alive = n_threads;
    // All bits set is NaN, and -1: nobody gets by with shared memory that nobody wrote.
    for (uint32_t i = 0; i < launch->n_objects; i++) {
        const Object &o = launch->objects[i];
        if (o.used) memset(shared_memory.begin + o.offset, 0xff, o.bytes);
    }
    memset(emulator_dynamic_shared, 0xff, launch->dynamic_shared);
    if (checking) shadow_block_begins();
}

static void run_block() {
    while (alive > 0) {
        bool progress = false;
        order_threads();
        for (position = 0; position < n_threads; position++) {
            const int next = order[position];
            if (threads[next].state != FRESH && threads[next].state != READY) continue;
            progress = true;
            resume(next);
        }
        if (!progress) release_barrier();
    }
}

void run_blocks() {
    gridDim = {launch->grid[0], launch->grid[1], launch->grid[2]};
    blockDim = {launch->block[0], launch->block[1], launch->block[2]};
    n_threads = (int)(blockDim.x * blockDim.y * blockDim.z);
    random_state = 0x9e3779b97f4a7c15 ^ (uint64_t)launch->order << 20;
    // The blocks are first, first + step, first + 2 step, ... modulo their number.
    const uint64_t n = (uint64_t)gridDim.x * gridDim.y * gridDim.z;
    uint64_t first = 0, step = 1;
    if (launch->order == 1) first = step = n - 1;
    if (launch->order >= 2) {
        first = random_number() % n;
        do step = 1 + random_number() % n;
        while (gcd(step, n) != 1);
    }
    for (uint64_t i = 0, number = first; i < n; i++) {
        begin_block(number);
        run_block();
        number = (uint64_t)(((unsigned __int128)number + step) % n);
    }
}

}  // namespace emulator
