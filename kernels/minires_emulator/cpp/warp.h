// Warp intrinsics: the named lanes of a warp meet and each gets the values of all.
//
// None of them but __syncwarp orders memory: a lane may not rely on a shuffle to see what another
// lane stored. Check mode takes that literally.
#pragma once

// Every lane in `mask` gives one value and gets those of all named lanes: all[lane]. For kernels
// that spell out a warp-wide instruction (mma.sync, say) where MINIRES_EMULATOR is defined. Lanes
// that have left the kernel are not waited for; their entries are all ones.
inline void emulator_warp_exchange(unsigned mask, unsigned long long mine, unsigned long long *all,
                                   emulator::Place place = emulator::Place::here()) {
    emulator_exchange(mask, mine, all, emulator::EXCHANGE, place);
}

namespace emulator {
template <class T>
EMULATOR_UNCHECKED T shuffle(unsigned mask, T mine, int width, int source, Place place) {
    static_assert(sizeof(T) <= 8, "shuffles move values of up to 8 bytes");
    unsigned long long bits = 0, all[32];
    __builtin_memcpy(&bits, &mine, sizeof mine);
    const unsigned present = emulator_exchange(mask, bits, all, SHUFFLE, place);
    const int first = emulator_lane() & ~(width - 1);
    if (source < first || source >= first + width) return mine;  // beyond the segment: own value
    if (!(present >> source & 1)) emulator_missing_lane(source, place);
    __builtin_memcpy(&mine, &all[source], sizeof mine);
    return mine;
}
}  // namespace emulator

#define EMULATOR_SHUFFLES(T)                                                             \
    inline T __shfl_sync(unsigned mask, T v, int lane, int width = 32,                   \
                         emulator::Place place = emulator::Place::here()) {              \
        const int first = emulator_lane() & ~(width - 1);                                \
        return emulator::shuffle(mask, v, width, first + (lane & (width - 1)), place);   \
    }                                                                                    \
    inline T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32,          \
                            emulator::Place place = emulator::Place::here()) {           \
        return emulator::shuffle(mask, v, width, (int)(emulator_lane() - delta), place); \
    }                                                                                    \
    inline T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32,        \
                              emulator::Place place = emulator::Place::here()) {         \
        return emulator::shuffle(mask, v, width, (int)(emulator_lane() + delta), place); \
    }                                                                                    \
    inline T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32,              \
                             emulator::Place place = emulator::Place::here()) {          \
        return emulator::shuffle(mask, v, width, (int)emulator_lane() ^ lanes, place);   \
    }

EMULATOR_SHUFFLES(int)
EMULATOR_SHUFFLES(unsigned)
EMULATOR_SHUFFLES(long)
EMULATOR_SHUFFLES(unsigned long)
EMULATOR_SHUFFLES(long long)
EMULATOR_SHUFFLES(unsigned long long)
EMULATOR_SHUFFLES(float)
EMULATOR_SHUFFLES(double)

inline void __syncwarp(unsigned mask = 0xffffffffu,
                       emulator::Place place = emulator::Place::here()) {
    unsigned long long all[32];
    emulator_exchange(mask, 0, all, emulator::SYNCWARP, place);
}

namespace emulator {
// The lanes of `mask` whose predicate holds, and in `present` those that took part at all.
EMULATOR_UNCHECKED inline unsigned ballot(unsigned mask, int predicate, unsigned &present,
                                          Place place) {
    unsigned long long all[32];
    present = emulator_exchange(mask, predicate != 0, all, VOTE, place);
    unsigned votes = 0;
    for (int lane = 0; lane < 32; lane++)
        if (present >> lane & 1) votes |= (unsigned)all[lane] << lane;
    return votes;
}
}  // namespace emulator

EMULATOR_UNCHECKED inline unsigned __ballot_sync(unsigned mask, int predicate,
                                                 emulator::Place place = emulator::Place::here()) {
    unsigned present;
    return emulator::ballot(mask, predicate, present, place);
}
EMULATOR_UNCHECKED inline int __any_sync(unsigned mask, int predicate,
                                         emulator::Place place = emulator::Place::here()) {
    unsigned present;
    return emulator::ballot(mask, predicate, present, place) != 0;
}
EMULATOR_UNCHECKED inline int __all_sync(unsigned mask, int predicate,
                                         emulator::Place place = emulator::Place::here()) {
    unsigned present;
    const unsigned votes = emulator::ballot(mask, predicate, present, place);
    return votes == present;
}
