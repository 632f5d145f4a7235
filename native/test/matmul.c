// Tests tenon_mul_mat against a plain loop in double precision: awkward sizes, views of every kind
// with NaN wherever they do not look, and one to four threads, which must agree to the bit.
#include "matmul.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void function(struct ggml_tensor *, int, int, void *);

function tenon_mul_mat_without_memory;
#ifdef TENON_VARIANTS
function tenon_mul_mat_sse, tenon_mul_mat_avx2, tenon_mul_mat_avx512;
#endif

static int random_below(int bound) {
    static unsigned long long state = 42;
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (state >> 33) % bound;
}

// A tensor of these sizes that lies in memory as a permutation of its dimensions and gaps say, with
// exactly the memory that it reaches into.
static struct ggml_tensor make(
    const int64_t ne[4], const int order[4], const int gap[4], void ** memory) {
    struct ggml_tensor x = {.type = GGML_TYPE_F32};
    memcpy(x.ne, ne, sizeof x.ne);
    size_t stride = sizeof(float), size = sizeof(float);
    int empty = 0;
    for (int i = 0; i < 4; i++) {
        int d = order[i];
        x.nb[d] = stride += gap[i] * sizeof(float);
        empty |= ne[d] == 0;
        size += ne[d] == 0 ? 0 : (ne[d] - 1) * stride;
        stride *= ne[d] == 0 ? 1 : ne[d];
    }
    if (empty) size = 0;
    float * data = malloc(size + !size);
    for (size_t i = 0; i < size / sizeof(float); i++) data[i] = NAN;
    x.data = *memory = data;
    return x;
}

static float * at(const struct ggml_tensor * x, int64_t i0, int64_t i1, int64_t i2, int64_t i3) {
    size_t offset = i0 * x->nb[0] + i1 * x->nb[1] + i2 * x->nb[2] + i3 * x->nb[3];
    return (float *) ((char *) x->data + offset);
}

static void fill(struct ggml_tensor * x) {
    for (int64_t i3 = 0; i3 < x->ne[3]; i3++)
        for (int64_t i2 = 0; i2 < x->ne[2]; i2++)
            for (int64_t i1 = 0; i1 < x->ne[1]; i1++)
                for (int64_t i0 = 0; i0 < x->ne[0]; i0++)
                    *at(x, i0, i1, i2, i3) = random_below(2001) / 1000.0f - 1;
}

static int check(function * f, int64_t k, int64_t m, int64_t n, const int64_t outer[2],
                 const int64_t times[2], int orders[2][4], int gaps[2][4]) {
    enum { GUARD = 64 };
    const int straight[4] = {0, 1, 2, 3}, none[4] = {0};
    const int64_t size_a[4] = {k, m, outer[0], outer[1]};
    const int64_t size_b[4] = {k, n, outer[0] * times[0], outer[1] * times[1]};
    const int64_t size_dst[4] = {m, n, size_b[2], size_b[3]};
    void * memory[3];
    struct ggml_tensor a = make(size_a, orders[0], gaps[0], &memory[0]);
    struct ggml_tensor b = make(size_b, orders[1], gaps[1], &memory[1]);
    struct ggml_tensor dst = make(size_dst, straight, none, &memory[2]);
    fill(&a);
    fill(&b);
    dst.src[0] = &a;
    dst.src[1] = &b;

    const size_t count = (size_t) m * n * size_b[2] * size_b[3];
    float * results[4];
    int wrong = 0;
    for (int threads = 1; threads <= 4; threads++) {
        float * result = results[threads - 1] = malloc((count + 2 * GUARD) * sizeof(float));
        memset(result, 0xee, (count + 2 * GUARD) * sizeof(float));
        dst.data = result + GUARD;
        for (int i = 0; i < threads; i++) f(&dst, i, threads, NULL);
        wrong |= memcmp(result, results[0], (count + 2 * GUARD) * sizeof(float)) != 0;
        const unsigned char * before = (unsigned char *) result;
        const unsigned char * after = (unsigned char *) (result + GUARD + count);
        for (size_t i = 0; i < GUARD * sizeof(float); i++)
            wrong |= before[i] != 0xee || after[i] != 0xee;
    }
    for (int64_t i3 = 0; i3 < size_b[3]; i3++)
        for (int64_t i2 = 0; i2 < size_b[2]; i2++)
            for (int64_t in = 0; in < n; in++)
                for (int64_t im = 0; im < m; im++) {
                    double sum = 0, size = 0;
                    for (int64_t ik = 0; ik < k; ik++) {
                        double term = *at(&a, ik, im, i2 / times[0], i3 / times[1]);
                        term *= *at(&b, ik, in, i2, i3);
                        sum += term;
                        size += fabs(term);
                    }
                    double bound = 1e-7 * (k < 16 ? 4 : sqrt(k)) * size;
                    wrong |= !(fabs(*at(&dst, im, in, i2, i3) - sum) <= bound);
                }
    if (wrong)
        printf("FAILED: k %d m %d n %d, %d x %d outer, a %d x %d times; "
               "a lies %d%d%d%d +%d, b %d%d%d%d +%d\n",
               (int) k, (int) m, (int) n, (int) size_b[2], (int) size_b[3], (int) times[0],
               (int) times[1], orders[0][0], orders[0][1], orders[0][2], orders[0][3], gaps[0][0],
               orders[1][0], orders[1][1], orders[1][2], orders[1][3], gaps[1][0]);
    for (int i = 0; i < 3; i++) free(memory[i]);
    for (int i = 0; i < 4; i++) free(results[i]);
    return wrong;
}

static int check_all(function * f) {
    static const int sizes[] = {0,  1,  1,  2,  3,  4,  5,  6,  7,  8,  11, 12,
                                13, 15, 16, 17, 24, 31, 32, 33, 48, 63, 65, 100};
    static const int lengths[] = {0, 1, 2, 3, 4, 5, 8, 17, 31, 64, 100, 255, 256, 257, 300, 513};
    static const int large[][3] = { // k, m, n
        {192, 33, 700}, {3, 1100, 7}, {300, 530, 130}, {1000, 48, 36}, {32, 256, 256}};
    static const int straight[4] = {0, 1, 2, 3};
    const int sizes_count = sizeof sizes / sizeof *sizes;
    const int lengths_count = sizeof lengths / sizeof *lengths;
    const int large_count = sizeof large / sizeof *large;
    int failures = 0;
    for (int i = 0; i < 1500; i++) {
        int big = i < 8 * large_count;
        int64_t k = big ? large[i / 8][0] : lengths[random_below(lengths_count)];
        int64_t m = big ? large[i / 8][1] : sizes[random_below(sizes_count)];
        int64_t n = big ? large[i / 8][2] : sizes[random_below(sizes_count)];
        int64_t outer[2] = {1, 1}, times[2] = {1, 1};
        if (!big && random_below(2))
            for (int j = 0; j < 2; j++) {
                outer[j] = 1 + random_below(3);
                times[j] = 1 + random_below(3);
            }
        int orders[2][4], gaps[2][4] = {{0}};
        for (int j = 0; j < 2; j++) {
            memcpy(orders[j], straight, sizeof straight);
            int kind = big ? (i >> j) % 2 : random_below(4);
            if (kind == 1) { // transposed
                orders[j][0] = 1;
                orders[j][1] = 0;
            } else if (kind > 1) { // any permutation, and gaps
                for (int d = 3; d > 0; d--) {
                    int e = random_below(d + 1), swapped = orders[j][d];
                    orders[j][d] = orders[j][e];
                    orders[j][e] = swapped;
                }
                for (int d = 0; kind == 3 && d < 4; d++) gaps[j][d] = random_below(3);
            }
        }
        failures += check(f, k, m, n, outer, times, orders, gaps);
    }
    return failures;
}

int main(void) {
    int failures = check_all(tenon_mul_mat) + check_all(tenon_mul_mat_without_memory);
#ifdef TENON_VARIANTS
    failures += check_all(tenon_mul_mat_sse);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        failures += check_all(tenon_mul_mat_avx2);
    if (__builtin_cpu_supports("avx512f")) failures += check_all(tenon_mul_mat_avx512);
#endif
    if (failures == 0) printf("tenon_mul_mat: all passed\n");
    return failures != 0;
}
