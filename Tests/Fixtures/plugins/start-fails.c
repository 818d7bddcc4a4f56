#define START_STATUS APUS_UNAVAILABLE
#include "fixture.h"
