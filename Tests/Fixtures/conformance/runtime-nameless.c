// A Version that does not say whose it is.
#define VERSION "\x0a\x01" "1" "\x22\x02" "v1"
#include "runtime.h"
