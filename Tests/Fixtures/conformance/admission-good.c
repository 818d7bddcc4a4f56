// An admission plugin without a defect.
#include "admission.h"
