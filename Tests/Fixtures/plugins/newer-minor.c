#define MINOR 99
#include "fixture.h"
