/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON renderer's object of type "recording". */
#ifndef HCT_JSON_RECORDING_H
#define HCT_JSON_RECORDING_H

#include <json-c/json.h>

#include "record/recording_info.h"

/* The caller owns it. */
struct json_object *json_recording(const struct recording_info *info);

#endif
