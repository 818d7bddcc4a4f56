#ifndef APUS_SEALED_FILE_H
#define APUS_SEALED_FILE_H
#include <stdint.h>

/// A file in memory with these bytes that nobody can change any more, by any descriptor. Its pages may be executed. Answers its descriptor, which no child inherits,
/// or -1 with `errno`.
int apus_sealed_file(const char *_Nonnull name, const void *_Nonnull bytes, uint64_t count);

#endif
