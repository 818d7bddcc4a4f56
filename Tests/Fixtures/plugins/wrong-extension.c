#define EXTENSION APUS_PROXY
#include "fixture.h"
