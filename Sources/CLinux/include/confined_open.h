#ifndef APUS_CONFINED_OPEN_H
#define APUS_CONFINED_OPEN_H

// How much further a path below a directory is kept in.
enum {
    APUS_WITHOUT_LINKS = 1, // no link on the way; as the last part, one is opened itself by O_PATH | O_NOFOLLOW and refused otherwise
    APUS_WITHIN_MOUNT = 2,  // what is mounted on the way is not entered: EXDEV
};

/// Opens `path` as the kernel finds it below `directory` at this moment. Whatever is renamed or replaced meanwhile, nothing outside is reached: EXDEV. Links of
/// /proc are never followed. The descriptor is not inherited. Answers -1 and sets `errno` when it fails.
int apus_open_beneath(int directory, const char *_Nonnull path, int flags, unsigned mode, int limits);

#endif
