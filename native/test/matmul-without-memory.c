// tenon_mul_mat where no memory is to be had.
#include <stdlib.h>
#define malloc(size) NULL
#define TENON_MUL_MAT tenon_mul_mat_without_memory
#include "../matmul.c"
