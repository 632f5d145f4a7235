// Force-included for ggml's ops.cpp alone.
//
// GELU takes the error function of each element, and ggml asks the C library for it, a call at a
// time: a quarter of the time of a small BERT. This one has no branches, so that the compiler makes
// vectors of the loop. It is a ratio of two polynomials, the approximation that Eigen has for
// single precision, right to 2e-6; beyond 4 the error function is 1 to all digits.
#pragma once

#include <math.h>
#ifdef __cplusplus
#include <cmath>
#endif

static inline float tenon_erff(float a) {
    float x = a < -4.0f ? -4.0f : a > 4.0f ? 4.0f : a;
    float z = x * x;
    float p = -2.72614225801306e-10f;
    p = p * z + 2.77068142495902e-08f;
    p = p * z - 2.10102402082508e-06f;
    p = p * z - 5.69250639462346e-05f;
    p = p * z - 7.34990630326855e-04f;
    p = p * z - 2.95459980854025e-03f;
    p = p * z - 1.60960333262415e-02f;
    float q = -1.45660718464996e-05f;
    q = q * z - 2.13374055278905e-04f;
    q = q * z - 1.68282697438203e-03f;
    q = q * z - 7.37332916720468e-03f;
    q = q * z - 1.42647390514189e-02f;
    return x * p / q;
}

#define erff tenon_erff
