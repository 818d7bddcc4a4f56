#ifndef APUS_PAUSE_H
#define APUS_PAUSE_H
#include <stdint.h>

/// The machine code of the pause program: position-independent, entered at its first byte with nothing set up, and without a need of anything else.
/// `ImageArchive.pause` puts an ELF header before it.
const uint8_t *_Nonnull apus_pause_code(void);
uint64_t apus_pause_code_size(void);

/// The ELF number of the machine the code is for.
uint16_t apus_pause_machine(void);

#endif
