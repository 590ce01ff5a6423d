/* SPDX-License-Identifier: GPL-2.0 */
/* What the user sees on standard error. -q and -v set the level. */
#ifndef CKPT_LOG_H
#define CKPT_LOG_H

enum ckpt_level { CKPT_LOG_ERR, CKPT_LOG_WARN, CKPT_LOG_INFO, CKPT_LOG_DEBUG };

void ckpt_log_level(enum ckpt_level level);
void ckpt_log(enum ckpt_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define pr_err(...)	ckpt_log(CKPT_LOG_ERR, __VA_ARGS__)
#define pr_warn(...)	ckpt_log(CKPT_LOG_WARN, __VA_ARGS__)
#define pr_info(...)	ckpt_log(CKPT_LOG_INFO, __VA_ARGS__)
#define pr_debug(...)	ckpt_log(CKPT_LOG_DEBUG, __VA_ARGS__)

#endif
