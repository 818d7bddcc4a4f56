// A refusal that does not say of what.
#define NAMED lend("that")
#include "runtime.h"
