#define RECONCILE 0
#include "fixture.h"
