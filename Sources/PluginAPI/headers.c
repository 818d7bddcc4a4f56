#include "apus/apus.h"
// The module is its headers; this file makes every build compile them as C.
