#define ENTRY 0
#include "fixture.h"
