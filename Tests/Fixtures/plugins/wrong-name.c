#define NAME "other"
#include "fixture.h"
