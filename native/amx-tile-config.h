// Force-included for ggml's amx/mmq.cpp alone.
//
// Before GCC 12.4 and 13.3 the intrinsic _tile_loadconfig tells the compiler of 8 of the 64 bytes
// that the instruction reads. At -O3 the stores to the other 56 are dropped as dead, and ldtilecfg
// faults on what is left. This names all 64 (GCC bug 114098).
#pragma once

#if defined(__AMX_TILE__)
#include <immintrin.h>
#undef _tile_loadconfig
#define _tile_loadconfig(config) \
    __asm__ volatile("ldtilecfg %0" : : "m"(*(const char(*)[64])(config)))
#endif
