// The portable build's tenon_mul_mat: of those that matmul.c makes, one for each instruction set,
// the widest that this processor has.
#include "matmul.h"

typedef void function(struct ggml_tensor * dst, int ith, int nth, void * userdata);

function tenon_mul_mat_sse, tenon_mul_mat_avx2, tenon_mul_mat_avx512;

void tenon_mul_mat(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    if (__builtin_cpu_supports("avx512f"))
        tenon_mul_mat_avx512(dst, ith, nth, userdata);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        tenon_mul_mat_avx2(dst, ith, nth, userdata);
    else
        tenon_mul_mat_sse(dst, ith, nth, userdata);
}
