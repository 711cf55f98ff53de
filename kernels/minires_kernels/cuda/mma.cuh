// mma.cuh - a warp's product of 16 x 8 by 8 x 8 on tensor cores, in TF32: d += a b.
//
//   Lane l = 4 g + t (g = 0 ... 7, t = 0 ... 3) holds
//     a[0] = (g, t)    a[1] = (g + 8, t)    a[2] = (g, t + 4)    a[3] = (g + 8, t + 4)
//     b[0] = (t, g)    b[1] = (t + 4, g)
//     d[0] = (g, 2t)   d[1] = (g, 2t + 1)   d[2] = (g + 8, 2t)   d[3] = (g + 8, 2t + 1)
//   as PTX defines for mma.m16n8k8 with .tf32. TF32 keeps 10 of float's 23 bits of mantissa; sums
//   are kept in float. Needs sm_80.
#ifndef MINIRES_EMULATOR

__device__ __forceinline__ unsigned to_tf32(float x)
{
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

__device__ __forceinline__ void mma_16x8x8(float (&d)[4], const unsigned (&a)[4],
                                           const unsigned (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#else      // the same contract in C++, for the emulator

inline unsigned to_tf32(float x)      // to the nearest, ties away from zero; inf and NaN stay
{
    const unsigned bits = __float_as_uint(x);
    if ((bits & 0x7f800000u) == 0x7f800000u) return bits;
    return (bits + 0x1000u) & ~0x1fffu;
}

inline void mma_16x8x8(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    // Every lane hands over its numbers two at a time: (a0, a2), (a1, a3), (b0, b1).
    unsigned long long all[3][32];
    const unsigned low[3] = {a[0], a[1], b[0]}, high[3] = {a[2], a[3], b[1]};
    for (int i = 0; i < 3; i++)
        emulator_warp_exchange(0xffffffffu, low[i] | (unsigned long long)high[i] << 32, all[i]);
    auto number = [&](int i, int lane, int k) {      // k = 0 ... 7: t, or t + 4
        const unsigned long long both = all[i][4 * lane + k % 4];
        return __uint_as_float((unsigned)(k < 4 ? both : both >> 32) & ~0x1fffu);
    };
    const int g = emulator_lane() / 4, t = emulator_lane() % 4;
    for (int e = 0; e < 4; e++) {
        const int column = 2 * t + e % 2;
        float sum = 0;
        for (int k = 0; k < 8; k++) sum += number(e / 2, g, k) * number(2, column, k);
        d[e] += sum;
    }
}

#endif
