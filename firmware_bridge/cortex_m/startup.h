/* Start-up code: what the boards and the linker script share with it. */
#ifndef EXO_STARTUP_H
#define EXO_STARTUP_H

#include <stdint.h>

/* Bytes of stack that were ever used since reset; found by the paint that start-up leaves. */
uint32_t stack_used(void);

/* Bytes of stack that the linker script reserves. */
uint32_t stack_size(void);

#endif
