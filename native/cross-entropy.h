// The gradient of the loss that language models are trained with.
#pragma once

#include "ggml.h"

#ifdef __cplusplus
extern "C" {
#endif

// For ggml_custom_4d: the gradient of the sum of cross entropies with respect to logits. With the
// softmax of the logits p = dst->src[0], F32 [n, t], and labels = dst->src[1], I32 [t]
//
//   dst[i, row] = p[i, row] - (i == labels[row] ? 1 : 0)
//
// and 0 in rows whose label is outside 0 … n - 1: they do not count. ggml's own
// cross_entropy_loss_back wants a matrix of probabilities for labels, as large as the logits. All
// are contiguous. `userdata` is not read.
#ifdef _WIN32
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
void tenon_cross_entropy_back(struct ggml_tensor * dst, int ith, int nth, void * userdata);

#ifdef __cplusplus
}
#endif
