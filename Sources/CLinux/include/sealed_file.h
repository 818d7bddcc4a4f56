#ifndef APUS_SEALED_FILE_H
#define APUS_SEALED_FILE_H

/// A file in memory with what `source` has from its offset on, that nobody can change any more, by any descriptor. Its pages may be executed. Answers its descriptor,
/// which no child inherits, or -1 with `errno`.
int apus_sealed_copy(const char *_Nonnull name, int source);

#endif
