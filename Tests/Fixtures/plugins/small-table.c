#define TABLE_SIZE 8
#include "fixture.h"
