#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The error for a number that the parser does not take.
#define APUS_JSON_NUMBER_ERROR 9

/// A parsed document: simdjson's tape and its string buffer, as simdjson's doc/tape.md describes them.
typedef struct apus_json {
    /// Null when the text is not JSON.
    const uint64_t *_Nullable tape;
    /// Each string is its length in four bytes, then its bytes in UTF-8.
    const uint8_t *_Nullable strings;
    /// 0 or simdjson's error code.
    int32_t error;
    /// A parser of its own, for large texts.
    void *_Nullable owned;
} apus_json;

/// Parses a text. What is returned stays valid until it is released or this thread parses again, whichever comes first.
apus_json apus_json_parse(const uint8_t *_Nonnull bytes, uint64_t count, uint32_t depth);

/// To be called once for each parse, on the same thread.
void apus_json_release(apus_json json);

#ifdef __cplusplus
}
#endif
