// conv2d.cuh - the sizes of a convolution, as every version gets them.
// x (N, C, H, W), w (K, C / groups, R, S), y (N, K, P, Q); strides, padding and dilation by axis.
struct Conv {
    int N, C, H, W, K, R, S, P, Q, sh, sw, ph, pw, dh, dw, groups;
    __device__ __forceinline__ int channels() const { return C / groups; }      // of a group
    __device__ __forceinline__ int filters() const { return K / groups; }
};
