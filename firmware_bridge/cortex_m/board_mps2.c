/* Board: Arm MPS2 with the AN386 image (Cortex-M4, 25 MHz), as QEMU emulates it; simulated knees, UART0 as the bus.
 *
 * Registers: Arm AN386 and the Cortex-M System Design Kit (DDI 0479) for UART and watchdog; the Armv7-M manual (DDI 0403)
 * for SysTick and NVIC. A port to an STM32 replaces this file; docs/cortex-m.md goes through it.
 */
#include "board.h"

#include <string.h>

#include "bench.h"
#include "ring.h"
#include "serial_link.h"
#include "startup.h"

#ifndef EXO_PROFILE_HASH
#define EXO_PROFILE_HASH 0u
#endif

#define CLOCK_HZ 25000000u
#define TICK_US 1000u
#define BAUD 921600u
#define WATCHDOG_MS 50u /* to the NMI; as much again to the reset */

#define REG(address) (*(volatile uint32_t *)(address))

#define UART_DATA REG(0x40004000u)
#define UART_STATE REG(0x40004004u)
#define UART_CTRL REG(0x40004008u)
#define UART_INTCLEAR REG(0x4000400Cu)
#define UART_BAUDDIV REG(0x40004010u)
#define UART_TX_FULL 1u
#define UART_RX_FULL 2u
#define UART_RX_OVERRUN 8u
#define UART_ENABLE_ALL 0x0Fu /* transmitter, receiver, and the interrupts of both */
#define UART_INT_TX 1u
#define UART_INT_RX 2u

#define WATCHDOG_LOAD REG(0x40008000u)
#define WATCHDOG_CONTROL REG(0x40008008u)
#define WATCHDOG_INTCLEAR REG(0x4000800Cu)
#define WATCHDOG_LOCK REG(0x40008C00u)
#define WATCHDOG_KEY 0x1ACCE551u
#define WATCHDOG_NMI_AND_RESET 3u

#define SYSTICK_CTRL REG(0xE000E010u)
#define SYSTICK_LOAD REG(0xE000E014u)
#define SYSTICK_VALUE REG(0xE000E018u)
#define SYSTICK_ON 7u /* core clock, interrupt, run */
#define NVIC_ENABLE REG(0xE000E100u)
#define NVIC_PRIORITY_0_3 REG(0xE000E400u)
#define SCB_PRIORITY_12_15 REG(0xE000ED20u)
#define RESET_CONTROL REG(0xE000ED0Cu)
#define RESET_NOW 0x05FA0004u
#define NOWHERE 0xF0000000u    /* no memory and no device there */
#define PRIORITY_UART 0x40u    /* the receiver holds one byte, and at 921600 baud the next comes 11 us later */
#define PRIORITY_SYSTICK 0x80u /* counts */

/* Frames that wait for the next tick; two joints at 1 kHz bring two per tick, a stall of 20 ms forty. */
#define INBOX 64u

static struct {
    ring rx, tx;
    volatile uint16_t uart_overruns;
    volatile uint64_t ticks;
    uint64_t tick_seen;
    serial_rx decoder;
    board_frame inbox[INBOX];
    unsigned inbox_head, inbox_tail;
    uint16_t dropped; /* frames that found the inbox or the transmitter full */
    bench bench;
    int32_t command_cnm[EXO_JOINT_COUNT];
} board;

/* Outlives a reset, not the power: the bench has taken over the clock. */
#define CLOCK_OF_BENCH 0xB3C4C10Cu
__attribute__((section(".noinit"))) static uint32_t clock_of_bench;

void SysTick_Handler(void);
void Watchdog_Handler(void);
void UartRx_Handler(void);
void UartTx_Handler(void);

static inline void irq_off(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void irq_on(void) { __asm volatile("cpsie i" ::: "memory"); }

void SysTick_Handler(void) { board.ticks = board.ticks + 1; }

/* The control step has hung: no torque while the second period runs out and the reset comes. */
void Watchdog_Handler(void) { board_drive_off(); }

void UartRx_Handler(void)
{
    UART_INTCLEAR = UART_INT_RX;
    if (UART_STATE & UART_RX_OVERRUN) {
        UART_STATE = UART_RX_OVERRUN;
        board.uart_overruns++;
    }
    while (UART_STATE & UART_RX_FULL)
        if (!ring_put(&board.rx, (uint8_t)UART_DATA))
            board.uart_overruns++;
}

void UartTx_Handler(void)
{
    uint8_t byte;
    UART_INTCLEAR = UART_INT_TX;
    while (!(UART_STATE & UART_TX_FULL) && ring_get(&board.tx, &byte))
        UART_DATA = byte;
}

static void watchdog_start(void)
{
    WATCHDOG_LOCK = WATCHDOG_KEY;
    WATCHDOG_LOAD = CLOCK_HZ / 1000u * WATCHDOG_MS;
    WATCHDOG_CONTROL = WATCHDOG_NMI_AND_RESET;
    WATCHDOG_LOCK = 0;
}

/* Clearing the interrupt reloads the count. */
void board_pet_watchdog(void)
{
    WATCHDOG_LOCK = WATCHDOG_KEY;
    WATCHDOG_INTCLEAR = 1;
    WATCHDOG_LOCK = 0;
}

uint32_t board_profile_hash(void) { return EXO_PROFILE_HASH; }

/* Queues a packet whole or not at all, and starts the transmitter where it rests. */
static void send_packet(const serial_frame *frame)
{
    uint8_t packet[SERIAL_PACKET_MAX];
    unsigned len = serial_encode(frame, packet);
    if (ring_free(&board.tx) < len) {
        board.dropped++;
        return;
    }
    for (unsigned i = 0; i < len; i++)
        (void)ring_put(&board.tx, packet[i]);
    irq_off();
    UartTx_Handler();
    irq_on();
}

void board_send(const gov_frame *frame)
{
    serial_frame out = { .id = frame->id, .bench = 0, .len = E2E_DATA_LEN };
    memcpy(out.data, frame->data, sizeof out.data);
    send_packet(&out);
}

static void put_inbox(const serial_frame *frame)
{
    if (board.inbox_head - board.inbox_tail == INBOX) {
        board.dropped++;
        return;
    }
    board_frame *slot = &board.inbox[board.inbox_head++ % INBOX];
    slot->id = frame->id;
    slot->len = frame->len;
    memcpy(slot->data, frame->data, sizeof slot->data);
}

int board_receive(board_frame *frame)
{
    if (board.inbox_tail == board.inbox_head)
        return 0;
    *frame = board.inbox[board.inbox_tail++ % INBOX];
    return 1;
}

/* Sorts what came over the line; stops after a tick of the bench, so that what follows it is for the next step. */
static void take_bytes(void)
{
    uint8_t byte;
    serial_frame frame;
    while (!board.bench.ticked && !board.bench.asked && ring_get(&board.rx, &byte)) {
        if (!serial_take(&board.decoder, byte, &frame))
            continue;
        if (frame.bench)
            bench_take(&board.bench, &frame);
        else
            put_inbox(&frame);
    }
}

static int bench_tick(uint64_t *now_us)
{
    if (!board.bench.ticked)
        return 0;
    board.bench.ticked = 0;
    *now_us = board.bench.tick_us;
    return 1;
}

static int own_tick(uint64_t *now_us)
{
    irq_off();
    uint64_t ticks = board.ticks;
    irq_on();
    if (ticks == board.tick_seen)
        return 0;
    board.tick_seen = ticks;
    *now_us = ticks * TICK_US;
    return 1;
}

/* Sleeps until an interrupt that came after the last look; with interrupts masked a pending one still ends the sleep. */
static void sleep_until_interrupt(void)
{
    irq_off();
    if (ring_used(&board.rx) == 0 && board.ticks == board.tick_seen)
        __asm volatile("wfi" ::: "memory");
    irq_on();
}

static void send_report(void)
{
    const uint16_t refused = (uint16_t)(board.decoder.crc_errors + board.decoder.malformed + board.decoder.overruns);
    const uint16_t counts[4] = { (uint16_t)stack_used(), board.uart_overruns, refused, board.dropped };
    serial_frame report = bench_report(counts);
    send_packet(&report);
}

void board_init(void)
{
    bench_init(&board.bench);
    UART_BAUDDIV = CLOCK_HZ / BAUD;
    UART_CTRL = UART_ENABLE_ALL;
    NVIC_PRIORITY_0_3 = PRIORITY_UART | PRIORITY_UART << 8;
    SCB_PRIORITY_12_15 = PRIORITY_SYSTICK << 24;
    NVIC_ENABLE = 3;
    SYSTICK_LOAD = CLOCK_HZ / 1000000u * TICK_US - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CTRL = SYSTICK_ON;
    watchdog_start();
    if (clock_of_bench == CLOCK_OF_BENCH)
        send_report();
}

static void obey_bench(void)
{
    uint8_t asked = board.bench.asked;
    board.bench.asked = 0;
    if (asked == BENCH_ASK)
        send_report();
    if (asked == BENCH_FAULT)
        REG(NOWHERE) = 0;
    if (asked == BENCH_CLOCK) {
        clock_of_bench = CLOCK_OF_BENCH;
        RESET_CONTROL = RESET_NOW;
    }
    while (asked == BENCH_HANG || asked == BENCH_CLOCK)
        ;
}

uint64_t board_wait_tick(void)
{
    uint64_t now_us = 0;
    int lockstep = clock_of_bench == CLOCK_OF_BENCH;
    for (;;) {
        take_bytes();
        obey_bench();
        if (lockstep && bench_tick(&now_us))
            return now_us;
        int due = own_tick(&now_us);
        if (due && !lockstep)
            return now_us;
        if (due)
            board_pet_watchdog(); /* the bench may take its time */
        sleep_until_interrupt();
    }
}

void board_sense(gov_measured measured[EXO_JOINT_COUNT]) { bench_sense(&board.bench, measured); }

void board_drive(const int32_t torque_cnm[EXO_JOINT_COUNT], int live)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++)
        board.command_cnm[i] = live ? torque_cnm[i] : 0;
    bench_drive(&board.bench, board.command_cnm);
}

void board_drive_off(void)
{
    for (unsigned i = 0; i < EXO_JOINT_COUNT; i++) {
        board.command_cnm[i] = 0;
        board.bench.knees[i].drive_cnm = 0;
    }
}

void board_step_done(const governor *g)
{
    if (clock_of_bench != CLOCK_OF_BENCH)
        return;
    serial_frame done = bench_done(board.command_cnm, g->state, g->reason);
    send_packet(&done);
}
