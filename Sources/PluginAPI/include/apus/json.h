#ifndef APUS_JSON_H
#define APUS_JSON_H
#include "apus/types.h"
#include <string.h>

// Who includes this may need none of it.
#if defined(__GNUC__)
#define APUS_INLINE static inline __attribute__((unused))
#else
#define APUS_INLINE static inline
#endif

#ifdef __cplusplus
extern "C" {
#endif

// # A look into JSON, for libraries in C
//
// The host lends objects as JSON without white space. These functions find a value in it where it stands: nothing is copied, and what they give is lent for as long as the
// JSON is. What is not there is an apus_borrowed without bytes, which every one of them takes, so that a way down needs no questions:
//
//     apus_json_is(apus_json_get(apus_json_get(request->object, "spec"), "hostNetwork"), "true")
//
// Escapes are left as they stand: a name that has one is not found, and a text shows its own.

/// Where the value that begins at `at` ends.
APUS_INLINE uint64_t apus_json_end(apus_borrowed json, uint64_t at) {
    uint64_t depth = 0;
    while (at < json.count) {
        const uint8_t byte = json.bytes[at++];
        if (byte == '"') {
            while (at < json.count && json.bytes[at] != '"') at += json.bytes[at] == '\\' ? 2 : 1;
            at++;
            if (depth == 0) break;
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if (byte == '}' || byte == ']') {
            if (depth == 0) return at - 1; // of what it stands in
            if (--depth == 0) break;
        } else if (depth == 0 && byte == ',') {
            return at - 1;
        }
    }
    return at < json.count ? at : json.count;
}

/// So many bytes of `json` from `at` on.
APUS_INLINE apus_borrowed apus_json_part(apus_borrowed json, uint64_t at, uint64_t end) {
    apus_borrowed part = {0, 0};
    if (at < end && end <= json.count) {
        part.bytes = json.bytes + at;
        part.count = end - at;
    }
    return part;
}

/// The value of a field of an object.
APUS_INLINE apus_borrowed apus_json_get(apus_borrowed object, const char *APUS_NONNULL name) {
    const uint64_t length = strlen(name);
    uint64_t at = 1;
    if (object.count < 2 || object.bytes[0] != '{') return apus_json_part(object, 0, 0);
    while (at < object.count && object.bytes[at] == '"') {
        const uint64_t key = apus_json_end(object, at), end = apus_json_end(object, key + 1);
        if (key - at == length + 2 && memcmp(object.bytes + at + 1, name, length) == 0) return apus_json_part(object, key + 1, end);
        at = end + 1;
    }
    return apus_json_part(object, 0, 0);
}

/// Goes through an array: `rest` is the array to begin with, and becomes what is left of it. Returns 1 with the next element, 0 at the end.
APUS_INLINE int32_t apus_json_next(apus_borrowed *APUS_NONNULL rest, apus_borrowed *APUS_NONNULL element) {
    uint64_t end;
    if (rest->count < 2 || (rest->bytes[0] != '[' && rest->bytes[0] != ',')) return 0;
    end = apus_json_end(*rest, 1);
    if (end == 1) return 0;
    *element = apus_json_part(*rest, 1, end);
    *rest = apus_json_part(*rest, end, rest->count);
    return 1;
}

/// A text without its quotes; what is no text has none.
APUS_INLINE apus_borrowed apus_json_text(apus_borrowed value) {
    if (value.count < 2 || value.bytes[0] != '"') return apus_json_part(value, 0, 0);
    return apus_json_part(value, 1, value.count - 1);
}

/// Whether a value is there, as `text` writes it: `true`, `7`, `"Always"`.
APUS_INLINE int32_t apus_json_is(apus_borrowed value, const char *APUS_NONNULL text) {
    return value.count == strlen(text) && value.count > 0 && memcmp(value.bytes, text, value.count) == 0;
}

#ifdef __cplusplus
}
#endif
#endif
