// A scheduler policy that can be made but does not start.
#include "apus/apus.h"
static const apus_scheduler_policy policy = {.size = sizeof policy};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#define START_STATUS APUS_UNAVAILABLE
#include "fixture.h"
