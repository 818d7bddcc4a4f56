// A Status that says nothing of the network.
#define STATUS "\x0a\x10" "\x0a\x0e" "\x0a\x0c" "RuntimeReady"
#include "runtime.h"
