// The types of the LightGBM functions that are looked up at run time; nothing is linked, so a node without LightGBM still starts.
#pragma once

#include <stdint.h>

typedef void *lightgbm_booster;
typedef void *lightgbm_fast_config;

enum {
    lightgbm_float64 = 1,
    lightgbm_predict_normal = 0,
};

/// All status codes: 0 is success, the text of a failure is in LGBM_GetLastError of the same thread.
typedef const char *(*lightgbm_last_error)(void);
typedef int (*lightgbm_set_max_threads)(int threads);
typedef int (*lightgbm_register_log_callback)(void (*callback)(const char *line));
typedef int (*lightgbm_dump_param_aliases)(int64_t capacity, int64_t *length, char *text);

typedef int (*lightgbm_load_model_from_string)(const char *text, int *iterations, lightgbm_booster *booster);
typedef int (*lightgbm_booster_free)(lightgbm_booster booster);
typedef int (*lightgbm_booster_count)(lightgbm_booster booster, int *count);

typedef int (*lightgbm_fast_init)(
    lightgbm_booster booster, int predict_type, int start_iteration, int iterations, int data_type, int32_t columns,
    const char *parameters, lightgbm_fast_config *config);
typedef int (*lightgbm_fast_predict)(lightgbm_fast_config config, const void *row, int64_t *length, double *scores);
typedef int (*lightgbm_fast_free)(lightgbm_fast_config config);
