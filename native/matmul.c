// tenon_mul_mat, built as Goto and van de Geijn describe ("Anatomy of High-Performance Matrix
// Multiplication", 2008) and as BLIS does it: both matrices are copied piece by piece into panels,
// which the innermost loop reads in order, and a tile of dst stays in registers meanwhile.
//
// The names of the sizes: dst is m × n, m along its rows; the sums are over k. A tile is TM × TN,
// TM the elements of several vectors in a row, by TN rows. A piece is at most PM or PN by PK: the
// panel of a that a tile needs, TM × PK, lies in the first cache while the panels of b go by, and
// both pieces lie in the second.
#include "matmul.h"

#include <stdlib.h>
#include <string.h>

#ifndef TENON_MUL_MAT // otherwise one of several, among which matmul-choice.c chooses
#define TENON_MUL_MAT tenon_mul_mat
#endif

// As many elements as a register has, and a tile that fills the registers.
#if defined(__AVX512F__)
enum { LANES = 16, VECTORS = 2, TN = 12 };
#elif defined(__AVX__)
enum { LANES = 8, VECTORS = 2, TN = 6 };
#elif defined(__SSE__)
enum { LANES = 4, VECTORS = 2, TN = 6 };
#elif defined(__GNUC__)
enum { LANES = 4, VECTORS = 4, TN = 6 }; // 32 registers, as NEON has
#else
enum { LANES = 1, VECTORS = 4, TN = 4 }; // no vectors in the language
#endif
enum { TM = LANES * VECTORS, PM = 512, PN = TN * (120 / TN), PK = 256 };

#ifdef __GNUC__
// Loads and stores need no alignment.
typedef float vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef float vector4 __attribute__((vector_size(16), aligned(4), may_alias));
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#define SHUFFLE __builtin_shufflevector
#else
typedef int integer4 __attribute__((vector_size(16)));
#define UNROLL _Pragma("GCC unroll 16")
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (integer4) {__VA_ARGS__})
#endif
#define FETCH(address) __builtin_prefetch(address, 1)
#define INLINE static inline __attribute__((always_inline))
#else
typedef float vector;
#define UNROLL
#define FETCH(address)
#define INLINE static inline
#endif

// One of the two matrices, its columns along k: the strides are in bytes.
typedef struct {
    const char * data;
    size_t along_k, across;
} matrix;

static float element(matrix x, int64_t k, int64_t row) {
    return *(const float *) (x.data + k * x.along_k + row * x.across);
}

static int64_t least(int64_t x, int64_t y) {
    return x < y ? x : y;
}

// Four rows from `row` on, of `count` elements, into the columns of a panel.
static void transpose4(
    float * restrict panel, int width, matrix x, int64_t k, int count, int64_t row) {
    int i = 0;
#ifdef __GNUC__
    const char * from = x.data + k * sizeof(float) + row * x.across;
    for (; i + 4 <= count; i += 4, from += sizeof(vector4)) {
        vector4 r0 = *(const vector4 *) from;
        vector4 r1 = *(const vector4 *) (from + x.across);
        vector4 r2 = *(const vector4 *) (from + 2 * x.across);
        vector4 r3 = *(const vector4 *) (from + 3 * x.across);
        vector4 low01 = SHUFFLE(r0, r1, 0, 4, 1, 5);
        vector4 low23 = SHUFFLE(r2, r3, 0, 4, 1, 5);
        vector4 high01 = SHUFFLE(r0, r1, 2, 6, 3, 7);
        vector4 high23 = SHUFFLE(r2, r3, 2, 6, 3, 7);
        float * to = panel + i * width;
        *(vector4 *) to = SHUFFLE(low01, low23, 0, 1, 4, 5);
        *(vector4 *) (to + width) = SHUFFLE(low01, low23, 2, 3, 6, 7);
        *(vector4 *) (to + 2 * width) = SHUFFLE(high01, high23, 0, 1, 4, 5);
        *(vector4 *) (to + 3 * width) = SHUFFLE(high01, high23, 2, 3, 6, 7);
    }
#endif
    for (; i < count; i++)
        for (int j = 0; j < 4; j++) panel[i * width + j] = element(x, k + i, row + j);
}

// Copies `rows` rows of x from `row` on, of `count` elements from k on each, into panels that are
// `width` rows wide and lie k by k. Where the last panel has no rows it has zeros.
INLINE void pack(
    float * restrict panel, int width, matrix x, int64_t k, int count, int64_t row, int64_t rows) {
    enum { AT_ONCE = 8 };
    const int64_t end = row + rows;
    while (row + width <= end) {
        int panels = 1;
        if (x.across == sizeof(float)) {
            // Through several panels at once: where rows are far apart a cache line is soon gone.
            panels = least((end - row) / width, AT_ONCE);
            const char * from = x.data + k * x.along_k + row * sizeof(float);
            const size_t row_bytes = width * sizeof(float);
            for (int i = 0; i < count; i++, from += x.along_k)
                for (int p = 0; p < panels; p++)
                    memcpy(panel + (p * count + i) * width, from + p * row_bytes, row_bytes);
        } else if (x.along_k == sizeof(float)) {
            // Where the width is no multiple of four, the last four overlap those before.
            for (int j = 0; j < width; j += 4) {
                int column = j + 4 > width ? width - 4 : j;
                transpose4(panel + column, width, x, k, count, row + column);
            }
        } else {
            for (int i = 0; i < count; i++)
                for (int j = 0; j < width; j++) panel[i * width + j] = element(x, k + i, row + j);
        }
        panel += panels * width * count;
        row += panels * width;
    }
    if (row < end)
        for (int i = 0; i < count; i++)
            for (int j = 0; j < width; j++)
                panel[i * width + j] = row + j < end ? element(x, k + i, row + j) : 0;
}

// One tile, of which m × n elements are in dst: the product of two panels, `count` long, is put
// there or added to what is there.
static void tile(float * restrict dst, size_t stride, int m, int n, const float * restrict a,
                 const float * restrict b, int count, int add) {
    for (int j = 0; j < n; j++) FETCH(dst + j * stride);
    vector sum[TN][VECTORS] = {0};
    for (int k = 0; k < count; k++, a += TM, b += TN) {
        vector column[VECTORS];
        UNROLL for (int i = 0; i < VECTORS; i++) column[i] = *(const vector *) (a + i * LANES);
        UNROLL for (int j = 0; j < TN; j++)
            UNROLL for (int i = 0; i < VECTORS; i++) sum[j][i] += column[i] * b[j];
    }
    if (m == TM && n == TN) {
        UNROLL for (int j = 0; j < TN; j++)
            UNROLL for (int i = 0; i < VECTORS; i++) {
                vector * to = (vector *) (dst + j * stride + i * LANES);
                if (add) sum[j][i] += *to;
                *to = sum[j][i];
            }
        return;
    }
    float part[TN * TM];
    UNROLL for (int j = 0; j < TN; j++)
        UNROLL for (int i = 0; i < VECTORS; i++)
            *(vector *) (part + j * TM + i * LANES) = sum[j][i];
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++)
            dst[j * stride + i] = add ? dst[j * stride + i] + part[j * TM + i] : part[j * TM + i];
}

// Rows m0 to m1 of a by rows n0 to n1 of b, in pieces of at most pm, pn and pk.
static void product(float * dst, size_t stride, matrix a, matrix b, int64_t k, int64_t m0,
                    int64_t m1, int64_t n0, int64_t n1, float * panels, int pm, int pn, int pk) {
    float * panels_b = panels + pm * pk;
    for (int64_t m = m0; m < m1; m += pm) {
        int64_t ms = least(pm, m1 - m);
        for (int64_t from = 0; from == 0 || from < k; from += pk) {
            int ks = least(pk, k - from);
            pack(panels, TM, a, from, ks, m, ms);
            for (int64_t n = n0; n < n1; n += pn) {
                int64_t ns = least(pn, n1 - n);
                pack(panels_b, TN, b, from, ks, n, ns);
                for (int64_t i = 0; i < ms; i += TM)
                    for (int64_t j = 0; j < ns; j += TN)
                        tile(dst + (n + j) * stride + m + i, stride, least(TM, ms - i),
                             least(TN, ns - j), panels + i * ks, panels_b + j * ks, ks, from > 0);
            }
        }
    }
}

// How many of `size` it takes to hold `count`.
static int64_t pieces(int64_t count, int64_t size) {
    return (count + size - 1) / size;
}

void TENON_MUL_MAT(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    const struct ggml_tensor * a = dst->src[0];
    const struct ggml_tensor * b = dst->src[1];
    int64_t k = a->ne[0], m = dst->ne[0], n = dst->ne[1], n2 = dst->ne[2], n3 = dst->ne[3];
    if (m == 0 || n == 0 || n2 == 0 || n3 == 0) return;

    // Matrices that meet the same a and follow each other in b are one.
    if (a->ne[2] == 1 && b->nb[2] == n * b->nb[1]) {
        n *= n2;
        n2 = 1;
        if (a->ne[3] == 1 && b->nb[3] == n * b->nb[1]) {
            n *= n3;
            n3 = 1;
        }
    }

    // A thread takes whole matrices if they come out even, or else a share of the longer side of
    // each. All have the same pieces along k, so that a share does not change a sum.
    int whole = n2 * n3 >= 4 * nth || n2 * n3 % nth == 0;
    int64_t m0 = 0, m1 = m, n0 = 0, n1 = n, first = 0, step = 1;
    if (whole) {
        first = ith;
        step = nth;
    } else if (m > n) {
        m0 = pieces(m, TM) * ith / nth * TM;
        m1 = least(m, pieces(m, TM) * (ith + 1) / nth * TM);
    } else {
        n0 = pieces(n, TN) * ith / nth * TN;
        n1 = least(n, pieces(n, TN) * (ith + 1) / nth * TN);
    }
    if (m0 >= m1 || n0 >= n1) return;

    int pk = k == 0 ? 1 : pieces(k, pieces(k, PK));
    int pm = least(PM, pieces(m1 - m0, TM) * TM);
    int pn = least(PN, pieces(n1 - n0, TN) * TN);
    float few[(TM + TN) * PK];
    float * many = malloc((pm + pn) * pk * sizeof(float));
    if (!many) {
        pm = TM;
        pn = TN;
    }
    for (int64_t i = first; i < n2 * n3; i += step) {
        int64_t i2 = i % n2, i3 = i / n2;
        int64_t a2 = i2 / (n2 / a->ne[2]), a3 = i3 / (n3 / a->ne[3]);
        matrix x = {(const char *) a->data + a2 * a->nb[2] + a3 * a->nb[3], a->nb[0], a->nb[1]};
        matrix y = {(const char *) b->data + i2 * b->nb[2] + i3 * b->nb[3], b->nb[0], b->nb[1]};
        product((float *) dst->data + i * m * n, m, x, y, k, m0, m1, n0, n1, many ? many : few,
                pm, pn, pk);
    }
    free(many);
}
