// Atomic functions. One operating system thread runs everything, so a plain read, change and write
// is atomic; the runtime is told of it, for the checker and for the count of floating-point
// atomics.
#pragma once

namespace emulator {
template <class T, class Change>
EMULATOR_UNCHECKED inline T read_change_write(T *p, const void *site, Change change) {
    constexpr bool is_float = __is_same(T, float) || __is_same(T, double);
    emulator_atomic(p, sizeof(T), is_float, site);
    const T old = *p;
    *p = change(old);
    return old;
}
}  // namespace emulator

// Not inlined, so that the return address is the user's line.
#define EMULATOR_ATOMIC(name, T, next)                                                           \
    EMULATOR_UNCHECKED __attribute__((noinline)) inline T name(T *p, T v) {                      \
        return emulator::read_change_write(p, __builtin_return_address(0),                       \
                                           [=](T old) EMULATOR_UNCHECKED -> T { return next; }); \
    }

#define EMULATOR_ADD(T) EMULATOR_ATOMIC(atomicAdd, T, old + v)
#define EMULATOR_EXCHANGE(T) EMULATOR_ATOMIC(atomicExch, T, v)
EMULATOR_ADD(int)
EMULATOR_ADD(unsigned)
EMULATOR_ADD(unsigned long long)
EMULATOR_ADD(float)
EMULATOR_ADD(double)
EMULATOR_ATOMIC(atomicSub, int, old - v)
EMULATOR_ATOMIC(atomicSub, unsigned, old - v)
EMULATOR_EXCHANGE(int)
EMULATOR_EXCHANGE(unsigned)
EMULATOR_EXCHANGE(unsigned long long)
EMULATOR_EXCHANGE(float)
EMULATOR_ATOMIC(atomicInc, unsigned, old >= v ? 0 : old + 1)
EMULATOR_ATOMIC(atomicDec, unsigned, old == 0 || old > v ? v : old - 1)

#define EMULATOR_BOUNDS(T)                           \
    EMULATOR_ATOMIC(atomicMin, T, v < old ? v : old) \
    EMULATOR_ATOMIC(atomicMax, T, v > old ? v : old)
EMULATOR_BOUNDS(int)
EMULATOR_BOUNDS(unsigned)
EMULATOR_BOUNDS(long long)
EMULATOR_BOUNDS(unsigned long long)

#define EMULATOR_BITS(T)                  \
    EMULATOR_ATOMIC(atomicAnd, T, old &v) \
    EMULATOR_ATOMIC(atomicOr, T, old | v) \
    EMULATOR_ATOMIC(atomicXor, T, old ^ v)
EMULATOR_BITS(int)
EMULATOR_BITS(unsigned)
EMULATOR_BITS(unsigned long long)

#define EMULATOR_CAS(T)                                                                     \
    EMULATOR_UNCHECKED __attribute__((noinline)) inline T atomicCAS(T *p, T compare, T v) { \
        return emulator::read_change_write(                                                 \
            p, __builtin_return_address(0),                                                 \
            [=](T old) EMULATOR_UNCHECKED -> T { return old == compare ? v : old; });       \
    }
EMULATOR_CAS(int)
EMULATOR_CAS(unsigned)
EMULATOR_CAS(unsigned long long)
EMULATOR_CAS(unsigned short)
