#pragma once

#include <stdint.h>

/// XXH64 of `count` bytes: 64 bits that tell different content apart, at the speed of memory. It keeps out accidents, not attackers.
uint64_t apus_hash(const void *_Nullable bytes, uint64_t count, uint64_t seed);
