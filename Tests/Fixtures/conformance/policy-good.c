// Without a defect.
#include "policy.h"
