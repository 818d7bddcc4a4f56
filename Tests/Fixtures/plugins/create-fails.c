#define CREATE_STATUS APUS_FAULT
#include "fixture.h"
