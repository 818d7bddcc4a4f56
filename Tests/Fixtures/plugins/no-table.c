#define TABLE 0
#include "fixture.h"
