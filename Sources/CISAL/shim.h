#include <isa-l/igzip_lib.h>

/// What `level_buf` needs at level 1, in bytes: a macro that Swift does not see.
static const uint32_t apus_isal_level_1 = ISAL_DEF_LVL1_DEFAULT;
