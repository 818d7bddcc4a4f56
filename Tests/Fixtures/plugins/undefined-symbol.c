#include "fixture.h"
void nobody_has_this(void);
__attribute__((constructor)) static void call_it(void) { nobody_has_this(); }
