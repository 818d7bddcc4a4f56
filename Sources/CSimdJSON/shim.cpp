#include <simdjson.h>
extern "C" int x_sj(void) { return 0; }
