#define MAJOR 9
#include "fixture.h"
