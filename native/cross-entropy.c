#include "cross-entropy.h"

#include <string.h>

void tenon_cross_entropy_back(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    const int64_t n = dst->ne[0];
    const int64_t rows = dst->ne[1];
    const int32_t * labels = dst->src[1]->data;
    const int64_t from = rows * ith / nth;
    const int64_t to = rows * (ith + 1) / nth;
    for (int64_t row = from; row < to; row++) {
        const float * p = (const float *) dst->src[0]->data + row * n;
        float * gradient = (float *) dst->data + row * n;
        if (labels[row] < 0 || labels[row] >= n) {
            memset(gradient, 0, n * sizeof(float));
        } else {
            memcpy(gradient, p, n * sizeof(float));
            gradient[labels[row]] -= 1;
        }
    }
}
