/* Start-up of a Cortex-M without any C library start files: vectors, memory, paint on the stack, faults. */
#include "startup.h"

#include "board.h"

#define PAINT 0xA5A5A5A5u
#define EXTERNAL_INTERRUPTS 16

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[];
extern uint32_t __stack_limit[], __stack_top[];

extern int main(void);
void Reset_Handler(void);
void Fault_Handler(void);

/* An interrupt that no board handles is a fault. */
#define UNLESS_THE_BOARD_HAS_IT __attribute__((weak, alias("Fault_Handler")))
void SysTick_Handler(void) UNLESS_THE_BOARD_HAS_IT;
void Watchdog_Handler(void) UNLESS_THE_BOARD_HAS_IT;
void UartRx_Handler(void) UNLESS_THE_BOARD_HAS_IT;
void UartTx_Handler(void) UNLESS_THE_BOARD_HAS_IT;

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector;

/* Both UART interrupts have the numbers 0 and 1 on MPS2 (AN386, table 3-5); a port puts its own here. */
__attribute__((section(".vectors"), used)) static const vector VECTORS[16 + EXTERNAL_INTERRUPTS] = {
    [0] = { .stack = __stack_top },
    [1] = { .handler = Reset_Handler },
    [2] = { .handler = Watchdog_Handler }, /* NMI */
    [3] = { .handler = Fault_Handler },    /* HardFault; the configurable faults escalate to it */
    [15] = { .handler = SysTick_Handler },
    [16] = { .handler = UartRx_Handler },
    [17] = { .handler = UartTx_Handler },
};

/* No call in here: the stack below the stack pointer is painted, all but what this function itself holds. */
static inline void paint_stack(void)
{
    uint32_t *here;
    __asm volatile("mov %0, sp" : "=r"(here));
    for (volatile uint32_t *at = __stack_limit; at < here; at++)
        *at = PAINT;
}

void Reset_Handler(void)
{
    paint_stack();
    const uint32_t *from = __data_load;
    for (volatile uint32_t *to = __data_start; to < __data_end; to++)
        *to = *from++;
    for (volatile uint32_t *to = __bss_start; to < __bss_end; to++)
        *to = 0;
    main();
    Fault_Handler();
}

/* Drives off, then silence: the watchdog resets, the lease and the silent joints tell the host. */
void Fault_Handler(void)
{
    board_drive_off();
    for (;;)
        __asm volatile("");
}

uint32_t stack_size(void) { return (uint32_t)(__stack_top - __stack_limit) * 4u; }

uint32_t stack_used(void)
{
    const volatile uint32_t *at = __stack_limit;
    while (at < __stack_top && *at == PAINT)
        at++;
    return (uint32_t)(__stack_top - at) * 4u;
}
