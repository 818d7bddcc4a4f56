#include "hash.h"

#include <string.h>

static const uint64_t p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9, p4 = 0x85EBCA77C2B2AE63,
                      p5 = 0x27D4EB2F165667C5;

static uint64_t rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

/// Little-endian, wherever it stands.
static uint64_t word64(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint64_t word32(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static uint64_t stir(uint64_t lane, uint64_t word) { return rotate(lane + word * p2, 31) * p1; }

static uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ stir(0, lane)) * p1 + p4; }

uint64_t apus_hash(const void *bytes, uint64_t count, uint64_t seed) {
    const uint8_t *at = bytes;
    uint64_t left = count, hash;
    if (left >= 32) {
        // Four lanes that do not wait for one another.
        uint64_t a = seed + p1 + p2, b = seed + p2, c = seed, d = seed - p1;
        for (; left >= 32; at += 32, left -= 32) {
            a = stir(a, word64(at));
            b = stir(b, word64(at + 8));
            c = stir(c, word64(at + 16));
            d = stir(d, word64(at + 24));
        }
        hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
        hash = merge(merge(merge(merge(hash, a), b), c), d);
    } else {
        hash = seed + p5;
    }
    hash += count;
    for (; left >= 8; at += 8, left -= 8) hash = rotate(hash ^ stir(0, word64(at)), 27) * p1 + p4;
    if (left >= 4) {
        hash = rotate(hash ^ word32(at) * p1, 23) * p2 + p3;
        at += 4;
        left -= 4;
    }
    for (; left > 0; at++, left--) hash = rotate(hash ^ *at * p5, 11) * p1;
    hash = (hash ^ hash >> 33) * p2;
    hash = (hash ^ hash >> 29) * p3;
    return hash ^ hash >> 32;
}
