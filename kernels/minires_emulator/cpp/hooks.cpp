// What the compiled kernel calls. In check mode g++ -fsanitize=thread puts a call before every load
// and store, and -fsanitize=bounds,alignment,... a call where a condition fails; these are this
// project's own versions, not the sanitizers' libraries.
#include "runtime.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

namespace emulator {

static uint64_t float_atomics;
static std::string printed;
constexpr size_t MAX_PRINTED = 1 << 20;  // bytes of a launch, as on a GPU

}  // namespace emulator

using namespace emulator;

#define SITE __builtin_return_address(0)

extern "C" {

void emulator_atomic(void *address, int size, bool is_float, const void *site) {
    float_atomics += is_float;
    if (checking) {
        check(address, size, ATOMIC, site);
        if ((uintptr_t)address % size != 0) {
            if (Report *r = report(MISALIGNED, here(ATOMIC, site), nobody()))
                r->size = size, r->address = (uint64_t)address;
            abandon(FAULT);
        }
    }
    last_site = site;
    (void)*(volatile char *)address;  // if this is no memory, it is here that the program faults
    last_site = nullptr;
}

[[noreturn]] void emulator_trap(const char *what, Place place) {
    if (Report *r = report(TRAP, at_place(current, NOTHING, place), nobody()))
        snprintf(r->detail, sizeof r->detail, "%s", what);
    abandon(FAULT);
}

[[noreturn]] void emulator_missing_lane(int lane, Place place) {
    if (Report *r = report(MISSING_LANES, at_place(current, NOTHING, place), nobody()))
        snprintf(r->detail, sizeof r->detail, "it reads from lane %d, which does not take part",
                 lane);
    abandon(FAULT);
}

int emulator_printf(const char *format, ...) {
    Busy allocating;
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (printed.size() < MAX_PRINTED) printed += line;
    return n;
}

// ---- -fsanitize=thread --------------------------------------------------------------------------

#define HOOKS(n)                                                                   \
    void __tsan_read##n(void *p) { check(p, n, READ, SITE); }                      \
    void __tsan_write##n(void *p) { check(p, n, WRITE, SITE); }                    \
    void __tsan_unaligned_read##n(void *p) { check(p, n, READ, SITE); }            \
    void __tsan_unaligned_write##n(void *p) { check(p, n, WRITE, SITE); }          \
    void __tsan_volatile_read##n(void *p) { check(p, n, READ, SITE); }             \
    void __tsan_volatile_write##n(void *p) { check(p, n, WRITE, SITE); }           \
    void __tsan_unaligned_volatile_read##n(void *p) { check(p, n, READ, SITE); }   \
    void __tsan_unaligned_volatile_write##n(void *p) { check(p, n, WRITE, SITE); } \
    void __tsan_read_write##n(void *p) {                                           \
        check(p, n, READ, SITE);                                                   \
        check(p, n, WRITE, SITE);                                                  \
    }                                                                              \
    void __tsan_unaligned_read_write##n(void *p) {                                 \
        check(p, n, READ, SITE);                                                   \
        check(p, n, WRITE, SITE);                                                  \
    }
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)
void __tsan_read_range(void *p, size_t n) { check(p, (int)n, READ, SITE); }
void __tsan_write_range(void *p, size_t n) { check(p, (int)n, WRITE, SITE); }
void *__tsan_memcpy(void *to, const void *from, size_t n) {
    check(from, (int)n, READ, SITE);
    check(to, (int)n, WRITE, SITE);
    return memcpy(to, from, n);
}
void *__tsan_memmove(void *to, const void *from, size_t n) {
    check(from, (int)n, READ, SITE);
    check(to, (int)n, WRITE, SITE);
    return memmove(to, from, n);
}
void *__tsan_memset(void *to, int value, size_t n) {
    check(to, (int)n, WRITE, SITE);
    return memset(to, value, n);
}
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}

// ---- -fsanitize=bounds,alignment,integer-divide-by-zero -----------------------------------------

struct Location {
    const char *file;
    uint32_t line, column;
};
struct Type {
    uint16_t kind, info;
    char name[1];
};
struct BoundsData {
    Location at;
    const Type *array, *index;
};
struct MismatchData {
    Location at;
    const Type *type;
    uint8_t log_alignment, action;
};
struct OverflowData {
    Location at;
    const Type *type;
};

void __ubsan_handle_out_of_bounds(BoundsData *data, uintptr_t index) {
    const Place place = {data->at.file, (int)data->at.line};
    if (Report *r = report(OUT_OF_BOUNDS, at_place(current, NOTHING, place), nobody())) {
        const int bits = 1 << (data->index->info >> 1);
        const bool is_signed = data->index->info & 1;
        const long long value = is_signed && bits < 64
                                    ? (long long)(index << (64 - bits)) >> (64 - bits)
                                    : (long long)index;
        snprintf(r->detail, sizeof r->detail, "index %lld in %s", value, data->array->name);
    }
    abandon(FAULT);
}

void __ubsan_handle_type_mismatch_v1(MismatchData *data, uintptr_t address) {
    const Place place = {data->at.file, (int)data->at.line};
    const Action action = data->action == 0 ? READ : data->action == 1 ? WRITE : NOTHING;
    if (Report *r = report(MISALIGNED, at_place(current, action, place), nobody())) {
        r->address = address;
        snprintf(r->detail, sizeof r->detail, "%s needs an address divisible by %d",
                 data->type->name, 1 << data->log_alignment);
    }
    abandon(FAULT);
}

void __ubsan_handle_divrem_overflow(OverflowData *data, uintptr_t, uintptr_t divisor) {
    const Place place = {data->at.file, (int)data->at.line};
    if (Report *r = report(DIVISION_BY_ZERO, at_place(current, NOTHING, place), nobody()))
        strcpy(r->detail, divisor ? "the quotient is too large for its type" : "");
    abandon(FAULT);
}

}  // extern "C"
