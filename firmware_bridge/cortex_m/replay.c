/* Image that replays a trace through the governor as fast as it can: the ARM binary against the host's, byte for byte.
 *
 * It reads trace.in and writes trace.out in the emulator's working folder, by semihosting (Arm, "Semihosting for AArch32
 * and AArch64", 2.0). The governor's object files are those of the firmware image.
 */
#include "replay.h"

#include <string.h>

#include "board.h"

#define CHUNK 64u

enum operation { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
#define OPEN_RB 1u
#define OPEN_WB 5u
#define APPLICATION_EXIT 0x20026u
#define INTERNAL_ERROR 0x20024u

static governor gov;
static replay_record records[CHUNK];
static replay_output outputs[CHUNK];

static uint32_t semihost(enum operation operation, const void *arguments)
{
    register uint32_t r0 __asm("r0") = (uint32_t)operation;
    register const void *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t mode)
{
    const uint32_t arguments[3] = { (uint32_t)name, mode, (uint32_t)strlen(name) };
    return semihost(SYS_OPEN, arguments);
}

/* Bytes that were not read or written. */
static uint32_t transfer(enum operation operation, uint32_t file, void *data, uint32_t size)
{
    const uint32_t arguments[3] = { file, (uint32_t)data, size };
    return semihost(operation, arguments);
}

static void finish(uint32_t reason)
{
    semihost(SYS_EXIT, (const void *)reason);
    for (;;)
        ;
}

static void start(const replay_record *record)
{
    uint32_t hash;
    memcpy(&hash, record->data, sizeof hash);
    gov_config config = gov_default_config(hash);
    gov_init(&gov, &config);
}

static void step(const replay_record *record, replay_output *output)
{
    gov_measured measured[EXO_JOINT_COUNT];
    memcpy(measured, record->data, sizeof measured);
    memset(output, 0, sizeof *output);
    gov_step(&gov, record->now_us, measured, output->torque_cnm);
    output->count = (uint16_t)gov_transmit(&gov, record->now_us, output->frames);
}

static unsigned replay(unsigned count)
{
    unsigned made = 0;
    for (unsigned i = 0; i < count; i++) {
        const replay_record *record = &records[i];
        if (record->kind == REPLAY_INIT)
            start(record);
        else if (record->kind == REPLAY_FRAME)
            gov_on_frame(&gov, record->id, record->data, record->len, record->now_us);
        else
            step(record, &outputs[made++]);
    }
    return made;
}

int main(void)
{
    uint32_t in = open_file(REPLAY_IN, OPEN_RB);
    uint32_t out = open_file(REPLAY_OUT, OPEN_WB);
    if (in == UINT32_MAX || out == UINT32_MAX)
        finish(INTERNAL_ERROR);
    for (;;) {
        uint32_t read = (uint32_t)sizeof records - transfer(SYS_READ, in, records, sizeof records);
        if (read == 0)
            break;
        uint32_t made = replay((unsigned)(read / sizeof records[0])) * (uint32_t)sizeof outputs[0];
        if (made > 0 && transfer(SYS_WRITE, out, outputs, made) != 0)
            finish(INTERNAL_ERROR);
    }
    const uint32_t closing[1] = { out };
    semihost(SYS_CLOSE, closing);
    finish(APPLICATION_EXIT);
    return 0;
}

/* Nothing is driven here. */
void board_drive_off(void) { finish(INTERNAL_ERROR); }
