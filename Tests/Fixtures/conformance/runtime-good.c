// Without a defect.
#include "runtime.h"
