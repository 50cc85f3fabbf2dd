// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The command line: parsing, defaults, help and error messages, all from the table. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "render/format.h"
#include "option_table.h"
#include "presets.h"
#include "values.h"

#ifndef HCT_VERSION
#define HCT_VERSION "unknown"
#endif

#define MAX_ROWS 48
#define LONG_ONLY 256 /* getopt's value for the first row; the letters are below */
#define NS_PER_SEC UINT64_C(1000000000)

static void help_commands(FILE *out)
{
	char left[32];

	fputs("Commands:\n", out);
	for (size_t i = 0; i < n_command_rows; i++) {
		const struct command_row *row = &command_rows[i];

		snprintf(left, sizeof(left), "%s %s", row->name,
			 row->argument ? row->argument : "");
		fprintf(out, "  %-25s %s\n", left, row->help);
	}
}

static void help_options(FILE *out)
{
	for (size_t i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_rows[i];
		const char *before = row->value_optional ? "[=" : row->value ? " " : "";
		char letter[8] = "    ", left[40];

		if (row->heading)
			fprintf(out, "\n%s:\n", row->heading);
		if (row->letter)
			snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s%s", letter, row->name, before,
			 row->value ? row->value : "", row->value_optional ? "]" : "");
		fprintf(out, "  %-25s %s\n", left, row->help);
	}
}

static void help_preset(FILE *out, const char *name, const char *argument, bool last, size_t *column)
{
	char text[40];
	size_t len = (size_t)snprintf(text, sizeof(text), " %s%s%s%s", name, argument ? ":" : "",
				      argument ? argument : "", last ? "\n" : ",");

	if (*column + len > 79) {
		fputs("\n       ", out);
		*column = 7;
	}
	*column += len;
	fputs(text, out);
}

static void help_presets(FILE *out)
{
	size_t column = 7;

	fputs("\nPRESET:", out);
	for (size_t i = 0; i < n_presets; i++) {
		const struct preset *preset = &presets[i];
		const char *argument = preset_argument(preset);

		if (preset->in_subnet && !argument) /* with its known sources, or with others */
			help_preset(out, preset->name, NULL, false, &column);
		help_preset(out, preset->name, preset->in_subnet ? "SUBNET" : argument,
			    i + 1 == n_presets, &column);
	}
}

void options_help(FILE *out)
{
	fputs("Usage: hctrace [COMMAND] [OPTION]...\n"
	      "Say why the load balancer's health check of this host fails, probe by probe.\n\n",
	      out);
	help_commands(out);
	help_options(out);
	help_presets(out);
	fputs("\nExamples:\n"
	      "  hctrace                                   shared ELB, every port, until Ctrl-C\n"
	      "  hctrace --port 80 --protocol http -d 1m   one minute of one HTTP check\n"
	      "  hctrace --lb haproxy:10.0.0.5 --json      another load balancer, for a program\n"
	      "  hctrace record -o run.hct -d 10m          keep it for hctrace report run.hct\n"
	      "  hctrace probe --port 80 --path /health    send such a check through this host\n"
	      "  hctrace check --port 80                   what is wrong here, without a probe\n"
	      "  hctrace explain firewall-drop             what a verdict means, and its fix\n"
	      "\nExit status: 0 all probes healthy, 1 some failed, 2 usage, 3 cannot trace\n"
	      "(check: could not look at all that was asked), 4 nothing arrived, 5 output could\n"
	      "not be written.\n", out);
}

static int usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int usage(const char *format, ...)
{
	va_list args;

	fputs("hctrace: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'hctrace --help'.\n", stderr);
	return EXIT_USAGE;
}

static const char *option_name(size_t i)
{
	return i < n_option_rows ? option_rows[i].name : NULL;
}

static const char *command_name(size_t i)
{
	return i < n_command_rows ? command_rows[i].name : NULL;
}

static const struct option_row *row_of(int value)
{
	if (value >= LONG_ONLY && value < LONG_ONLY + (int)n_option_rows)
		return &option_rows[value - LONG_ONLY];
	for (size_t i = 0; i < n_option_rows; i++)
		if (value && option_rows[i].letter == value)
			return &option_rows[i];
	return NULL;
}

/* WORD is what getopt did not take: "--prot=x" that could be several, or is unknown. */
static int unknown_long(const char *word)
{
	char name[40], matches[160] = "";
	const char *nearest;
	size_t len = strcspn(word + 2, "=");

	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	snprintf(name, sizeof(name), "%.*s", (int)len, word + 2);
	for (size_t i = 0; i < n_option_rows && len; i++) {
		size_t used = strlen(matches);

		if (strncmp(option_rows[i].name, name, len) == 0)
			snprintf(matches + used, sizeof(matches) - used, "%s--%s", used ? ", " : "",
				 option_rows[i].name);
	}
	if (matches[0])
		return usage("option '--%s' could be any of %s", name, matches);
	nearest = value_nearest(name, option_name);
	if (nearest)
		return usage("unknown option '--%s'; did you mean --%s?", name, nearest);
	return usage("unknown option '--%s'", name);
}

/* What getopt complained about (':' or '?'), in our words. */
static int bad_option(int c, const char *word)
{
	const struct option_row *row = row_of(optopt);
	const char *example = row && row->reason ? strstr(row->reason, "example") : NULL;

	if (row && c == ':')
		return usage("option --%s needs a value, %s%s%s", row->name, row->value,
			     example ? "; " : "", example ? example : "");
	if (row)
		return usage("option --%s takes no value", row->name);
	if (optopt)
		return usage("unknown option '-%c'", optopt);
	return unknown_long(word);
}

/* Reads the options into S; USED has a bit per row that was given.  -1, or an exit status. */
static int parse_options(struct settings *s, int argc, char **argv, uint64_t *used)
{
	struct option longs[MAX_ROWS + 1] = { 0 };
	char shorts[2 * MAX_ROWS + 2] = ":";
	size_t n = 1;
	int c;

	for (size_t i = 0; i < n_option_rows && i < MAX_ROWS; i++) {
		const struct option_row *row = &option_rows[i];

		longs[i].name = row->name;
		longs[i].has_arg = row->value_optional ? optional_argument :
				   row->value ? required_argument : no_argument;
		longs[i].val = LONG_ONLY + (int)i;
		if (!row->letter)
			continue;
		shorts[n++] = row->letter;
		if (row->value)
			shorts[n++] = ':';
	}
	opterr = 0;
	optind = 0; /* glibc: start anew */
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row = c == ':' || c == '?' ? NULL : row_of(c);
		struct refusal r = { "", "" };

		if (!row)
			return bad_option(c, argv[optind - 1]);
		if (strcmp(row->name, "help") == 0) {
			options_help(stdout);
			return 0;
		}
		if (strcmp(row->name, "version") == 0) {
			puts("hctrace " HCT_VERSION);
			return 0;
		}
		if (row->set(s, optarg, &r))
			return usage("--%s: '%s' %s", row->name, r.item[0] ? r.item : optarg,
				     r.reason[0] ? r.reason : row->reason);
		*used |= UINT64_C(1) << (row - option_rows);
	}
	return -1;
}

static int unknown_command(const char *word)
{
	const char *nearest = value_nearest(word, command_name);
	char names[128] = "";

	if (nearest)
		return usage("unknown command '%s'; did you mean %s?", word, nearest);
	for (size_t i = 0; i < n_command_rows; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
			 command_rows[i].name);
	}
	return usage("unknown command '%s'; the commands are %s", word, names);
}

/* Reads the command and its argument from WORDS, NULL-terminated. */
static int parse_command(struct settings *s, char **words, uint64_t used)
{
	const struct command_row *command = NULL;
	size_t most;

	for (size_t i = 0; i < n_command_rows && words[0]; i++)
		if (strcmp(command_rows[i].name, words[0]) == 0)
			command = &command_rows[i];
	if (words[0] && !command)
		return unknown_command(words[0]);
	s->command = command ? command->name : command_rows[0].name;
	s->args = words[0] ? words + 1 : words;
	if (!command)
		command = &command_rows[0];
	if (command->argument_needed && !s->args[0])
		return usage("%s needs %s; example: hctrace %s run.case", command->name,
			     command->argument, command->name);
	most = command->argument ? 1 : 0;
	if (s->args[0] && s->args[most] && !command->many)
		return usage("%s: '%s' is one word too many", command->name, s->args[most]);
	for (size_t i = 0; i < n_option_rows; i++)
		if (used & UINT64_C(1) << i && !(option_rows[i].used_by & command->by))
			return usage("--%s means nothing to 'hctrace %s'", option_rows[i].name,
				     command->name);
	return -1;
}

/* Of a recording: there must be a file, where one is made or limited. */
static int check_recording(const struct settings *s)
{
	bool record = strcmp(s->command, "record") == 0;

	if (!record && strcmp(s->command, "live") != 0)
		return -1;
	if (record && !s->output)
		return usage("record needs a file to write to; example: hctrace record -o run.hct");
	if (s->output && strcmp(s->output, "-") == 0)
		return usage("-o -: a recording cannot be printed; name a file: -o run.hct");
	if (s->max_size && !s->output)
		return usage("--max-size limits a recording; name its file: -o run.hct");
	return -1;
}

/* Of a bundle: recordings, or how long one is to be made; and what it is called. */
static int check_bundle(const struct settings *s)
{
	if (strcmp(s->command, "bundle") != 0)
		return -1;
	if (!s->output || strcmp(s->output, "-") == 0)
		return usage("bundle needs a file to write to; example: hctrace bundle run.hct -o "
			     "run.tar.gz");
	if (!s->args[0] && !s->duration_ns && !s->count)
		return usage("bundle needs a recording, or --duration to make one; example: hctrace "
			     "bundle -d 1m -o run.tar.gz");
	if (s->args[0] && (s->duration_ns || s->count))
		return usage("bundle takes a recording, or --duration to make one, not both");
	if (s->redact_map && !s->redact)
		return usage("--redact-map tells what --redact replaced; give that, too");
	return -1;
}

/* Of a probe: one kind of check, and where it is to go. */
static int check_probe(struct settings *s)
{
	bool asks = s->path || s->host || s->n_expect;

	if (strcmp(s->command, "probe") != 0)
		return -1;
	if (!s->check)
		s->check = asks ? "http" : "tcp";
	if (strcmp(s->check, "several") == 0)
		return usage("probe makes one kind of check at a time; example: --protocol http");
	if (strcmp(s->check, "icmp") == 0 && s->n_ports)
		return usage("--port means nothing to an icmp check");
	if (asks && strncmp(s->check, "http", 4) != 0)
		return usage("--path, --host and --expect-codes mean nothing to a %s check; "
			     "example: --protocol http", s->check);
	for (const char *c = s->path; c && *c; c++)
		if (*c <= ' ' || *c > '~')
			return usage("--path: '%s' cannot be asked for as it is; write other "
				     "characters as %%20 and the like", s->path);
	if (s->n_interfaces > 1)
		return usage("a probe arrives by one interface: give --interface once");
	if (s->until_healthy && s->count)
		return usage("--until-healthy goes on until it passes; --count does not go with "
			     "it");
	return -1;
}

static void show_from(struct settings *s)
{
	size_t used = 0;

	for (size_t i = 0; i < s->n_from; i++) {
		char text[PREFIX_TEXT_LEN];
		size_t len = strlen(format_prefix(text, &s->from[i]));

		if (used + len + sizeof(", ...") + 2 > sizeof(s->from_text)) {
			strcpy(s->from_text + used, ", ...");
			return;
		}
		used += (size_t)sprintf(s->from_text + used, "%s%s", used ? ", " : "", text);
	}
}

/* What was not given comes from the preset. */
static int apply_preset(struct settings *s)
{
	const struct preset *preset = s->preset ? s->preset : &presets[0];
	const char *argument = preset_argument(preset);

	s->preset = preset;
	s->preset_given = preset != &presets[0];
	if (!s->n_from && !preset->from[0])
		return usage("--lb %s: say where it probes from; example: --lb %s:%s, or --from",
			     preset->name, preset->name,
			     strcmp(argument, "ADDR") ? "10.0.1.0/24" : "10.0.1.5");
	if (!s->n_from)
		for (; preset->from[s->n_from]; s->n_from++)
			prefix_parse(&s->from[s->n_from], preset->from[s->n_from]);
	show_from(s);
	if (!s->interval_ns)
		s->interval_ns = preset->interval_s * NS_PER_SEC;
	if (!s->timeout_ns)
		s->timeout_ns = preset->timeout_s * NS_PER_SEC;
	if (!s->retries)
		s->retries = preset->retries;
	if (!s->n_expect)
		for (; s->n_expect < MAX_EXPECT && preset->expect[s->n_expect].first; s->n_expect++)
			s->expect[s->n_expect] = preset->expect[s->n_expect];
	return -1;
}

int options_parse(struct settings *s, int argc, char **argv)
{
	uint64_t used = 0;
	int status;

	memset(s, 0, sizeof(*s));
	status = parse_options(s, argc, argv, &used);
	if (status < 0)
		status = parse_command(s, argv + optind, used);
	if (status < 0)
		status = check_recording(s);
	if (status < 0)
		status = check_bundle(s);
	if (status < 0)
		status = check_probe(s);
	if (status < 0)
		status = apply_preset(s);
	return status;
}
