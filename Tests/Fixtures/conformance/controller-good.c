// Without a defect.
#include "controller.h"
