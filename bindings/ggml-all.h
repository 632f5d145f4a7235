// What jextract reads: ggml's C headers, and our own where we have any.
#include "ggml.h"
#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "cross-entropy.h"
#include "matmul.h"
