// How much a directory with all that is below it may hold, where the file system counts that by projects: XFS, ext4 with the feature `project`, mounted with `prjquota`.
// Every function answers -1 and sets `errno` when it fails; `directory` is open for reading.
#ifndef APUS_PROJECT_QUOTA_H
#define APUS_PROJECT_QUOTA_H
#include <stdint.h>

/// The project that the directory belongs to, 0 for none.
int apus_project_get(int directory, uint32_t *_Nonnull project);

/// The directory belongs to that project, and so does what is made in it from now on.
int apus_project_set(int directory, uint32_t project);

/// The project may hold so many bytes of the directory's file system, in whole KiB; 0 lifts the limit.
int apus_project_limit(int directory, uint32_t project, uint64_t bytes);

#endif
