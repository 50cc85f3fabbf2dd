/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members of the JSON renderer's object of type "recording". */
#ifndef HCT_JSON_RECORDING_H
#define HCT_JSON_RECORDING_H

#include "json_write.h"
#include "record/recording_info.h"

void json_recording(struct json_writer *w, const struct recording_info *info);

#endif
