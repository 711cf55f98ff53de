// Check mode: for every cell of memory, who touched it last, and whether anything orders that
// access before the present one. Two accesses of one cell by different threads, at least one of
// them a plain write or one plain and one atomic, are a race unless a barrier lies between them.
//
// Time is a counter that advances at every barrier. An access of another thread is ordered before
// the present one if
//   - it is of the same block and older than the block's last barrier, or
//   - it is of the same warp, and __syncwarp has passed it on: known[lane][other lane] is newer, or
//   - the memory is shared and the access is of another block.
// Nothing orders blocks of one launch.
#include "runtime.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace emulator {

struct __attribute__((packed, aligned(4))) Access {
    uint64_t time : 54, thread : 10;  // time 0: there was none
    uint32_t site;                    // address of the code, relative to the module
};

// Of the accesses since the last write, the latest, and one by another thread. One is enough, if it
// is the one that is harder to be ordered after.
struct Several {
    Access latest, other;
};

struct Cell {
    Access write;
    Several reads, atomics;
};

struct Shadow {  // of one range of memory
    char *begin, *end;
    Cell *cells;
    size_t mapped;  // bytes of cells
    Space space;
    int argument, grain;
    bool writable;
};

static std::vector<Shadow> shadows;
static size_t last_found, last_object;  // the latest hits: the next access is often nearby
static uint64_t now, last_barrier, block_began;
static uint64_t known[MAX_THREADS / 32][32][32];
static std::vector<std::pair<uint64_t, uint64_t>> blocks;  // (when it began, its number)
static Record *records;
static uint64_t n_records, max_records;

// ---- before and after a launch, and at barriers -------------------------------------------------

static Cell *map_cells(size_t n, size_t &bytes) {
    bytes = std::max<size_t>(n, 1) * sizeof(Cell);
    void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? nullptr : (Cell *)p;
}

static bool add_shadow(char *begin, size_t size, Space space, int argument, int grain,
                       bool writable) {
    Shadow s = {begin, begin + size, nullptr, 0, space, argument, grain, writable};
    s.cells = map_cells(size / grain + 1, s.mapped);
    if (s.cells) shadows.push_back(s);
    return s.cells != nullptr;
}

static bool add_shadows() {
    const size_t size = shared_memory.end - shared_memory.begin;
    if (!add_shadow(shared_memory.begin, size, SHARED, -1, 4, true)) return false;
    char *dynamic = emulator_dynamic_shared;
    if (!add_shadow(dynamic, launch->dynamic_shared, DYNAMIC_SHARED, -1, 4, true)) return false;
    for (uint32_t i = 0; i < launch->n_buffers; i++) {
        const Buffer &b = launch->buffers[i];
        if (!add_shadow(b.begin, b.bytes, GLOBAL, (int)i, b.grain, b.writable)) return false;
    }
    for (const Range &r : module_ranges)
        if (r.writable && !add_shadow(r.begin, r.end - r.begin, MODULE, -1, 4, true)) return false;
    return true;
}

bool prepare_shadow() {
    now = last_barrier = block_began = 1;
    last_found = last_object = 0;
    memset(known, 0, sizeof known);
    blocks.clear();
    if (!add_shadows()) return false;
    if (!(launch->flags & PROFILE)) return true;
    max_records = launch->max_records;
    void *p = mmap(nullptr, max_records * sizeof(Record), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    records = (Record *)p;
    return true;
}

void release_shadow() {
    for (const Shadow &s : shadows) munmap(s.cells, s.mapped);
    shadows.clear();
}

const Record *profile_records(uint64_t &n) {
    n = n_records;
    return records;
}

void release_records() {
    if (records) munmap(records, max_records * sizeof(Record));
    records = nullptr;
    n_records = 0;
}

void shadow_block_begins() {
    Busy allocating;
    block_began = last_barrier = ++now;
    blocks.emplace_back(now, block);
}

void shadow_barrier() { last_barrier = ++now; }

// Each lane of `lanes` now knows what any of them knew, and all they did themselves.
void shadow_syncwarp(unsigned lanes) {
    uint64_t (&k)[32][32] = known[current / 32];
    uint64_t joint[32] = {};
    ++now;
    for (int i = 0; i < 32; i++)
        if (lanes >> i & 1)
            for (int j = 0; j < 32; j++) joint[j] = std::max(joint[j], k[i][j]);
    for (int i = 0; i < 32; i++)
        if (lanes >> i & 1) joint[i] = now;
    for (int i = 0; i < 32; i++)
        if (lanes >> i & 1) memcpy(k[i], joint, sizeof joint);
}

// ---- what orders two accesses -------------------------------------------------------------------

// How far the present thread is from being ordered after `a`: 0 it is, or `a` is its own access;
// 1 __syncwarp is missing, 2 a block barrier is missing, 3 they are of different blocks.
static inline int distance(const Access &a, bool shared) {
    if (a.time == 0) return 0;
    if (a.time < block_began) return shared ? 0 : 3;
    if ((int)a.thread == current || a.time < last_barrier) return 0;
    if ((int)a.thread / 32 != current / 32) return 2;
    return a.time >= known[current / 32][current % 32][a.thread % 32] ? 1 : 0;
}

static inline const Access *unordered(const Several &s, bool shared) {
    if (distance(s.latest, shared)) return &s.latest;
    return distance(s.other, shared) ? &s.other : nullptr;
}

static inline void remember(Several &s, const Access &access, bool shared) {
    const int to_latest = distance(s.latest, shared), to_other = distance(s.other, shared);
    if (to_latest && to_latest >= to_other)
        s.other = s.latest;
    else if (!to_other)
        s.other = {};
    s.latest = access;
}

// ---- reports ------------------------------------------------------------------------------------

static Side side_of(const Access &a, Action action) {
    auto after = std::upper_bound(blocks.begin(), blocks.end(),
                                  std::make_pair((uint64_t)a.time, UINT64_MAX));
    const uint64_t number = after == blocks.begin() ? 0 : (after - 1)->second;
    return {number, a.site, nullptr, 0, (int)a.thread, action, 0};
}

static void locate(Report *r, const Shadow &s, const char *p, int size) {
    r->space = s.space;
    r->argument = s.argument;
    r->offset = p - s.begin;
    r->size = size;
    r->address = (uint64_t)p;
}

static void race(Kind kind, const Shadow &s, const char *p, int size, const Access &earlier,
                 Action earlier_action, Action action, const void *site) {
    if (Report *r = report(kind, side_of(earlier, earlier_action), here(action, site)))
        locate(r, s, p, size);
}

constexpr ptrdiff_t RED_ZONE = 64 << 10;  // bytes; as in memory.py

[[noreturn]] static void out_of_bounds(const char *p, int size, Action action, const void *site) {
    const Shadow *nearest = nullptr;
    ptrdiff_t least = RED_ZONE;
    for (const Shadow &s : shadows) {
        if (s.space == MODULE) continue;
        const ptrdiff_t away = p < s.begin ? s.begin - p : p + size > s.end ? p + size - s.end : 0;
        if (away <= least) least = away, nearest = &s;
    }
    if (Report *r = report(nearest ? OUT_OF_BOUNDS : WILD_POINTER, here(action, site), nobody())) {
        r->size = size;
        r->address = (uint64_t)p;
        if (nearest) locate(r, *nearest, p, size);
        if (stack_of(p) >= 0) {
            r->kind = OUT_OF_BOUNDS;
            r->space = LOCAL;
            strcpy(r->detail, "local memory of another thread");
        }
    }
    abandon(FAULT);
}

// ---- the check of one access --------------------------------------------------------------------

static void refine(Shadow &s) {  // from cells of several bytes to one cell per byte
    Busy allocating;
    const size_t n = (s.end - s.begin) / s.grain + 1;
    size_t bytes;
    Cell *cells = map_cells(n * s.grain, bytes);
    if (!cells) abandon(NO_MEMORY);
    static const Cell untouched = {};
    for (size_t i = 0; i < n; i++)
        if (memcmp(&s.cells[i], &untouched, sizeof untouched) != 0)
            for (int j = 0; j < s.grain; j++) cells[i * s.grain + j] = s.cells[i];
    munmap(s.cells, s.mapped);
    s.cells = cells;
    s.mapped = bytes;
    s.grain = 1;
}

static inline Shadow *find(const char *p, int size) {
    const size_t n = shadows.size();
    for (size_t i = 0; i < n; i++) {
        const size_t k = (last_found + i) % n;
        Shadow &s = shadows[k];
        if (p >= s.begin && p + size <= s.end) {
            last_found = k;
            return &s;
        }
    }
    return nullptr;
}

static inline bool in_one_object(const Shadow &s, const char *p, int size) {
    const uint64_t offset = p - s.begin;
    for (uint32_t i = 0; i < launch->n_objects; i++) {
        const size_t k = (last_object + i) % launch->n_objects;
        const Object &o = launch->objects[k];
        if (offset >= o.offset && offset + size <= o.offset + o.bytes) {
            last_object = k;
            return true;
        }
    }
    return false;
}

// Constants, string literals and tables of the module, and threadIdx and its like.
static bool is_constant(const char *p, int size) {
    for (const Range &r : module_ranges)
        if (!r.writable && p >= r.begin && p + size <= r.end) return true;
    for (const uint3 *v : {&threadIdx, &blockIdx, &blockDim, &gridDim})
        if (p >= (const char *)v && p + size <= (const char *)(v + 1)) return true;
    return false;
}

static bool is_shared(const Shadow &s) { return s.space == SHARED || s.space == DYNAMIC_SHARED; }

static inline void check_cell(const Shadow &s, Cell &c, const char *p, int size, Action action,
                              const void *site) {
    const bool shared = is_shared(s);
    const Access access = {now, (uint64_t)current, (uint32_t)((const char *)site - module_base)};
    const Kind kind = action == READ ? READ_WRITE_RACE : WRITE_WRITE_RACE;
    const Access *other;
    if (shared && action != WRITE && c.write.time < block_began &&
        c.atomics.latest.time < block_began) {
        if (Report *r = report(UNWRITTEN_SHARED, here(action, site), nobody()))
            locate(r, s, p, size);
    }
    if (distance(c.write, shared)) race(kind, s, p, size, c.write, WRITE, action, site);
    if (action != ATOMIC && (other = unordered(c.atomics, shared)))
        race(kind, s, p, size, *other, ATOMIC, action, site);
    if (action != READ && (other = unordered(c.reads, shared)))
        race(READ_WRITE_RACE, s, p, size, *other, READ, action, site);

    if (action == READ) {
        remember(c.reads, access, shared);
    } else if (action == ATOMIC) {
        remember(c.atomics, access, shared);
    } else {
        c = {};  // what came before is ordered before this write, or has been reported
        c.write = access;
    }
}

static void record(const Shadow &s, const char *p, int size, Action action, const void *site) {
    if (block > 0 || n_records == max_records) return;
    Record &r = records[n_records++];
    r.site = (const char *)site - module_base;
    r.address = (uint64_t)p;
    r.thread = current;
    r.size = (int16_t)size;
    r.shared = is_shared(s);
    r.write = action != READ;
}

static inline void check(const void *address, int size, Action action, const void *site) {
    const char *p = (const char *)address;
    last_site = site;
    if (current < 0 || size == 0 || in_own_stack(p, size)) return;
    Shadow *s = find(p, size);
    if (!s) {
        if (action == READ && is_constant(p, size)) return;
        out_of_bounds(p, size, action, site);
    }
    if (s->space == SHARED && !in_one_object(*s, p, size)) out_of_bounds(p, size, action, site);
    if (action != READ && !s->writable)
        if (Report *r = report(READ_ONLY, here(action, site), nobody())) locate(r, *s, p, size);
    if (records) record(*s, p, size, action, site);
    if (size % s->grain != 0 || (p - s->begin) % s->grain != 0) refine(*s);
    const size_t first = (p - s->begin) / s->grain, last = (p + size - 1 - s->begin) / s->grain;
    for (size_t i = first; i <= last; i++) check_cell(*s, s->cells[i], p, size, action, site);
}

}  // namespace emulator
