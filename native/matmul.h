// Products of matrices for training.
#pragma once

#include "ggml.h"

#ifdef __cplusplus
extern "C" {
#endif

// For ggml_custom_4d: dst = b · aᵀ as ggml_mul_mat has it, of matrices that lie in memory in any
// way. With a = dst->src[0] and b = dst->src[1]
//
//   dst[m, n, i2, i3] = Σₖ a[k, m, i2 / r2, i3 / r3] · b[k, n, i2, i3]
//
// where r2 and r3 say how often the outer dimensions of a go into those of b. All are F32; a and b
// may be views with any strides, transposed ones too, and dst is contiguous. Thus a transpose costs
// nothing, and one function makes all three products of training: the matrices times the inputs,
// and the gradients of either.
//
// An element's sum is taken in the same order however many threads there are: `nth` does not change
// a bit of the result. `userdata` is not read.
#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
void tenon_mul_mat(struct ggml_tensor * dst, int ith, int nth, void * userdata);

#ifdef __cplusplus
}
#endif
