// A tile configuration as ggml's amx/mmq.cpp makes it; its rows are a number that the assembly must
// still have in it when all 64 bytes are known to be read.
#include <immintrin.h>
#include <cstring>

struct alignas(64) TileConfig {
    unsigned char palette = 1;
    unsigned char start = 0;
    unsigned char reserved[14] = {};
    unsigned short columns[16] = {};
    unsigned char rows[16] = {};
};

void configure() {
    TileConfig config;
    const long long rows = 1234605616436508552;
    std::memcpy(config.rows, &rows, sizeof rows);
    _tile_loadconfig(&config);
}
