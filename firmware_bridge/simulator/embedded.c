/* A library's handle on the simulated firmware; see embedded.h. */
#include "embedded.h"

#include <stdio.h>
#include <stdlib.h>

#include "params.h"

typedef struct {
    worn worn;
    FILE *record;
} embedded;

void *embedded_open(int fd, const char *parameter_path, const char *record_path)
{
    sim_params params;
    embedded *e = calloc(1, sizeof *e);
    if (e == NULL || params_read(parameter_path, &params) < 0) {
        free(e);
        return NULL;
    }
    e->record = fopen(record_path, "wb");
    if (e->record == NULL) {
        perror("firmware: record file");
        free(e);
        return NULL;
    }
    node_init(&e->worn.node, fd, params.profile_hash);
    for (int i = 0; i < SIM_JOINTS; i++)
        plant_init(&e->worn.plants[i], &params.plant);
    return e;
}

int embedded_order(void *handle, const fault_order *order)
{
    embedded *e = handle;
    return node_order(&e->worn.node, order);
}

void embedded_step(void *handle, const sim_wearer *tick, sim_truth *truth)
{
    embedded *e = handle;
    worn_refer(&e->worn, tick);
    *truth = worn_step(&e->worn, tick->now_ns, 1);
    (void)!fwrite(truth, sizeof *truth, 1, e->record);
}

int embedded_close(void *handle)
{
    embedded *e = handle;
    int failed = fclose(e->record) != 0;
    free(e);
    return failed;
}
