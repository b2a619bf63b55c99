/*
 * Configuration text to a located tree: one pass over the lines, words pointing into the file's own bytes.
 *
 * Nothing spans a line but a block, so everything below works on one line at a time and an error never
 * swallows more than the rest of its line.
 */
#include "core/conf.h"

#include "core/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct cw_conf_memory {
	struct cw_arena arena; /* texts, nodes, arguments, names, words that quoting changed */
	size_t total_bytes;    /* of all texts */
};

/* A file that is being read, to find cycles. */
struct frame {
	const struct frame *outer;
	dev_t dev;
	ino_t ino;
};

/* An open block, or the file itself. */
struct level {
	struct cw_conf_node *owner; /* NULL: the file */
	struct cw_conf_node **tail; /* where the next directive is linked */
	struct cw_conf_node *last;  /* the newest directive of this level and this file */
	struct cw_place open;       /* the `{` */
	/* Where a bare word ends in a `}` that was perhaps meant to stand alone; 0: nowhere. */
	unsigned glued_line;
};

/* The reading of one text. */
struct parser {
	struct cw_conf *conf;
	struct cw_diag *diag;
	const char *file;
	const struct frame *frame; /* NULL: text in memory */
	unsigned include_depth;

	struct level levels[CW_CONF_DEPTH_MAX + 1];
	size_t outer_depth; /* blocks that were open where this file was included */
	size_t depth;       /* blocks open in this text */
	size_t lost;        /* blocks open beyond the limit; their contents are dropped */

	const char *line_start;
	struct cw_str line; /* without its newline and the CR before it */
	unsigned line_number;

	struct cw_conf_word words[CW_CONF_ARGS_MAX + 1]; /* the directive that is being read */
	size_t n_words;
	bool too_many; /* reported already */
};

static int parse_file(struct parser *outer, const struct cw_place *place, const char *path);

/* ---- places and errors ---- */

static struct cw_place place_at(const struct parser *ps, const char *p, size_t width)
{
	return (struct cw_place){
		.file = ps->file,
		.line = ps->line_number,
		.column = (unsigned)(p - ps->line_start) + 1,
		.width = width ? (unsigned)width : 1,
		.source = ps->line,
	};
}

static struct cw_place place_of_word(const struct parser *ps, const struct cw_conf_word *w)
{
	return place_at(ps, ps->line_start + w->column - 1, w->width);
}

struct cw_place cw_conf_place(const struct cw_conf_node *node, const struct cw_conf_word *word)
{
	/*
	 * Only what stands around the word: a line can hold thousands of directives, each of which asks.
	 * Every text ends in a newline or a NUL; both are rare in a line and neither hides a message.
	 */
	size_t begin = word->column - 1, end = begin + word->width;
	size_t from = begin > CW_DIAG_SOURCE_MAX ? begin - CW_DIAG_SOURCE_MAX : 0;

	size_t rest = strnlen(node->line_start + end, CW_DIAG_SOURCE_MAX);
	const char *newline = memchr(node->line_start + end, '\n', rest);

	end += newline ? (size_t)(newline - node->line_start) - end : rest;
	if (end > begin && node->line_start[end - 1] == '\r')
		end--;
	return (struct cw_place){
		.file = node->file,
		.line = node->line,
		.column = word->column,
		.width = word->width,
		.source = {node->line_start + from, end - from},
		.source_from = from,
	};
}

static void error_at(struct parser *ps, const char *p, size_t width, const char *message)
{
	struct cw_place place = place_at(ps, p, width);

	cw_diag_add(ps->diag, CW_SEVERITY_ERROR, &place, "%s", message);
}

/* ---- bytes ---- */

/* The length of the UTF-8 sequence at `p`; 0: malformed, overlong, a surrogate, or a C1 control character. */
static size_t utf8_len(const unsigned char *p, const unsigned char *end)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	size_t i;

	if (p[0] < 0xc2 || p[0] > 0xf4 || n > (size_t)(end - p))
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
		(p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
		(p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Report the first byte of the line that may not stand in a file; one a line, or a binary file would flood. */
static void check_bytes(struct parser *ps)
{
	const unsigned char *p = (const unsigned char *)ps->line.p;
	const unsigned char *end = p + ps->line.len;
	const char *at;
	size_t n;

	while (p < end) {
		while (p < end && *p >= 0x20 && *p < 0x7f)
			p++;
		if (p < end && *p == '\t') {
			p++;
			continue;
		}
		if (p == end)
			return;
		at = (const char *)p;
		if (*p < 0x80) {
			error_at(ps, at, 1,
				*p == '\0' ? "a NUL byte: this is not a text file"
					   : "a control character; only tab and line ends may "
					     "stand here");
			return;
		}
		n = utf8_len(p, end);
		if (n == 0) {
			error_at(ps, at, 1, "not UTF-8 text, or a control character");
			return;
		}
		p += n;
	}
}

/* ---- directives ---- */

/* Make a node of the words read so far and link it. */
static int make_node(struct parser *ps, struct cw_conf_node **out)
{
	struct cw_conf_memory *m = ps->conf->memory;
	struct level *lv = &ps->levels[ps->depth];
	struct cw_conf_node *node;
	size_t n_args = ps->n_words - 1;

	node = cw_arena_alloc(&m->arena, sizeof(*node) + n_args * sizeof(*node->args));
	if (!node)
		return -ENOMEM;
	node->file = ps->file;
	node->line_start = ps->line_start;
	node->line = ps->line_number;
	node->keyword = ps->words[0];
	node->n_args = (uint16_t)n_args;
	memcpy(node->args, ps->words + 1, n_args * sizeof(*node->args));
	ps->n_words = 0;
	ps->too_many = false;
	if (!ps->lost) {
		*lv->tail = node;
		lv->tail = &node->next;
		lv->last = node;
	}
	*out = node;
	return 0;
}

static const char glob_characters[] = "*?[\\";

/* Whether a file or folder is not there, which is no mistake of an include, or cannot be looked at, which is one. */
static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

/* For glob(): whether to give up, since files that are there could be left out. */
static int on_glob_error(const char *path, int error)
{
	(void)path;
	return !is_absent(error);
}

/*
 * The path that an include names, relative to the including file. The folder of that file is no pattern: where the
 * path is one, what is special in the folder is escaped. NULL when memory is short.
 */
static char *include_path(struct parser *ps, struct cw_str pattern, bool is_pattern)
{
	const char *slash = strrchr(ps->file, '/');
	size_t dir_len = ps->frame && slash ? (size_t)(slash - ps->file) + 1 : 0;
	char *path = cw_arena_alloc(&ps->conf->memory->arena, 2 * dir_len + pattern.len + 1);
	char *p = path;
	size_t i;

	if (!path)
		return NULL;
	for (i = 0; i < dir_len && pattern.p[0] != '/'; i++) {
		if (is_pattern && strchr(glob_characters, ps->file[i]))
			*p++ = '\\';
		*p++ = ps->file[i];
	}
	memcpy(p, pattern.p, pattern.len);
	return path;
}

/* Read the files that an include names, in sorted order. */
static int include(struct parser *ps, struct cw_str pattern, const struct cw_place *place)
{
	bool is_pattern = false;
	struct stat st;
	char *path;
	size_t i;
	glob_t g;
	int r;

	for (i = 0; i < pattern.len; i++)
		is_pattern = is_pattern || strchr(glob_characters, pattern.p[i]);
	path = include_path(ps, pattern, is_pattern);
	if (!path)
		return -ENOMEM;
	/* a link that leads nowhere is there, as it is for glob() */
	if (!is_pattern && (lstat(path, &st) == 0 || !is_absent(errno)))
		return parse_file(ps, place, path);
	r = is_pattern ? glob(path, 0, on_glob_error, &g) /* sorted; we never leave the C locale */
		       : GLOB_NOMATCH;
	if (r == GLOB_NOSPACE)
		return -ENOMEM;
	if (r == GLOB_ABORTED) {
		cw_diag_add(ps->diag, CW_SEVERITY_ERROR, place, "cannot look for \"%s\": %s", path,
			strerror(errno));
		globfree(&g);
		return 0;
	}
	if (r != 0) {
		cw_diag_add(ps->diag, CW_SEVERITY_WARNING, place, "no file matches \"%s\"", path);
		return 0;
	}
	for (i = 0, r = 0; i < g.gl_pathc && r == 0; i++)
		r = parse_file(ps, place, g.gl_pathv[i]);
	globfree(&g);
	return r;
}

static int end_include(struct parser *ps)
{
	struct cw_str pattern = ps->words[1].text;
	bool is_right = ps->n_words == 2 && pattern.len && !memchr(pattern.p, '\0', pattern.len);
	struct cw_place place = place_of_word(ps, &ps->words[is_right]);

	ps->n_words = 0;
	ps->too_many = false;
	if (!is_right) {
		cw_diag_add(ps->diag, CW_SEVERITY_ERROR, &place,
			"include takes one argument: the name of a file, or a pattern such as "
			"rules/*.rules");
		return 0;
	}
	return ps->lost ? 0 : include(ps, pattern, &place);
}

/* A directive without a block ends here. */
static int end_directive(struct parser *ps)
{
	static const struct cw_str include_word = CW_STR("include");
	struct cw_conf_node *node;

	if (ps->n_words == 0)
		return 0;
	if (!ps->words[0].quoted && cw_str_eq(ps->words[0].text, include_word))
		return end_include(ps);
	return make_node(ps, &node);
}

/* Whose block the `{` at `p` opens; NULL in *out: nobody's, its contents are dropped. */
static int block_owner(struct parser *ps, const char *p, struct cw_conf_node **out)
{
	static const struct cw_str include_word = CW_STR("include");
	struct cw_conf_node *last = ps->levels[ps->depth].last;

	*out = NULL;
	if (ps->n_words) {
		if (cw_str_eq(ps->words[0].text, include_word) && !ps->words[0].quoted)
			error_at(ps, p, 1, "include takes no block");
		return make_node(ps, out);
	}
	if (last && !last->has_block && !ps->lost) {
		error_at(ps, p, 1, "\"{\" must stand on the line of its keyword");
		*out = last; /* what follows is read as that block, so that only this is reported */
		return 0;
	}
	error_at(ps, p, 1, "\"{\" without a keyword before it");
	return 0;
}

static int open_block(struct parser *ps, const char *p)
{
	struct cw_conf_node *owner;
	struct level *lv;
	int r;

	r = block_owner(ps, p, &owner);
	if (r)
		return r;
	if (owner)
		owner->has_block = true;
	if (ps->lost || !owner || ps->outer_depth + ps->depth >= CW_CONF_DEPTH_MAX) {
		if (!ps->lost && owner)
			error_at(ps, p, 1, "blocks are nested too deeply");
		ps->lost++;
		return 0;
	}
	lv = &ps->levels[++ps->depth];
	*lv = (struct level){.owner = owner, .tail = &owner->children, .open = place_at(ps, p, 1)};
	return 0;
}

static int close_block(struct parser *ps, const char *p)
{
	int r = end_directive(ps);

	if (r)
		return r;
	if (ps->lost)
		ps->lost--;
	else if (ps->depth)
		ps->depth--;
	else
		error_at(ps, p, 1, "\"}\" closes no block");
	return 0;
}

/* ---- words ---- */

/* Note a word such as `A}`; `\d{2}` is none. */
static void note_glued(struct parser *ps, struct cw_str word)
{
	struct level *lv = &ps->levels[ps->depth];

	if (lv->glued_line == 0 && word.p[word.len - 1] == '}' && !memchr(word.p, '{', word.len))
		lv->glued_line = ps->line_number;
}

static void add_word(
	struct parser *ps, struct cw_str text, const char *p, size_t width, bool quoted)
{
	if (!quoted)
		note_glued(ps, text);
	if (width > CW_CONF_WORD_MAX) {
		error_at(ps, p, width,
			"this word is longer than 64 KiB; is a quote or a newline missing?");
		text = cw_str_make(text.p, 0);
	}
	if (ps->n_words == CW_CONF_ARGS_MAX + 1) {
		if (!ps->too_many)
			error_at(ps, p, width, "a setting takes at most 64 arguments");
		ps->too_many = true;
		return;
	}
	ps->words[ps->n_words++] = (struct cw_conf_word){
		.text = text,
		.column = (uint32_t)(p - ps->line_start) + 1,
		.width = (uint32_t)width & 0x7fffffff,
		.quoted = quoted,
	};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copy the inside of quotes without what quotes the quote: `''` in '...', the backslashes in "...". */
static int unquote(struct parser *ps, char quote, struct cw_str *text)
{
	char *copy = cw_arena_alloc(&ps->conf->memory->arena, text->len + 1);
	size_t i, n = 0;

	if (!copy)
		return -ENOMEM;
	for (i = 0; i < text->len; i++) {
		if (text->p[i] == (quote == '"' ? '\\' : '\'') && i + 1 < text->len)
			i++;
		copy[n++] = text->p[i];
	}
	*text = cw_str_make(copy, n);
	return 0;
}

/* Read the quoted word at `p`; *next is what follows it. */
static int read_quoted(struct parser *ps, const char *p, const char *end, const char **next)
{
	const char quote = *p, *q = p + 1;
	bool is_plain = true;
	struct cw_str text;
	int r;

	for (; q < end; q++) {
		if (*q == quote) {
			if (quote == '"' || q + 1 == end || q[1] != quote)
				break;
			is_plain = false;
			q++;
		} else if (*q == '\\' && quote == '"' && q + 1 < end) {
			if (q[1] != '"' && q[1] != '\\')
				error_at(ps, q, 2,
					"unknown escape: \"...\" knows \\\" and \\\\ only; write a "
					"pattern in '...'");
			is_plain = false;
			q++;
		}
	}
	text = cw_str_make(p + 1, (size_t)(q - p) - 1);
	if (!is_plain) {
		r = unquote(ps, quote, &text);
		if (r)
			return r;
	}
	if (q >= end) {
		*next = end;
		error_at(ps, p, (size_t)(end - p), "this quote is not closed on its line");
	} else {
		*next = ++q;
		if (q < end && !is_blank(*q) && *q != ';')
			error_at(ps, q, 1,
				"a blank, \";\" or the end of the line must follow the quote");
	}
	add_word(ps, text, p, (size_t)(q - p), true);
	return 0;
}

/* Read the line: its words, `;`, `{`, `}` and comment. */
static int parse_line(struct parser *ps)
{
	const char *p = ps->line.p, *end = p + ps->line.len, *q;
	int r = 0;

	while (p < end && r == 0) {
		if (is_blank(*p)) {
			p++;
			continue;
		}
		if (*p == '#')
			break;
		if (*p == ';') {
			r = end_directive(ps);
			p++;
			continue;
		}
		if (*p == '\'' || *p == '"') {
			r = read_quoted(ps, p, end, &p);
			continue;
		}
		q = p;
		while (q < end && !is_blank(*q) && *q != ';')
			q++;
		if (q == p + 1 && *p == '{')
			r = open_block(ps, p);
		else if (q == p + 1 && *p == '}')
			r = close_block(ps, p);
		else
			add_word(ps, cw_str_make(p, (size_t)(q - p)), p, (size_t)(q - p), false);
		p = q;
	}
	return r ? r : end_directive(ps);
}

/* ---- texts and files ---- */

static void report_unclosed(struct parser *ps, const struct level *lv)
{
	if (lv->glued_line)
		cw_diag_add(ps->diag, CW_SEVERITY_ERROR, &lv->open,
			"this block is never closed: the \"}\" in line %u belongs to a word; put a "
			"blank before it",
			lv->glued_line);
	else
		cw_diag_add(ps->diag, CW_SEVERITY_ERROR, &lv->open,
			"this block is never closed: a \"}\" is missing before the end of the "
			"file");
}

static int parse_text(struct parser *ps, struct cw_str text)
{
	static const struct cw_str byte_order_mark = CW_STR("\xef\xbb\xbf");
	const char *p = text.p, *end = text.p + text.len, *newline;
	size_t len;
	int r;

	if (cw_str_starts(text, byte_order_mark))
		p += byte_order_mark.len;
	while (p < end) {
		newline = memchr(p, '\n', (size_t)(end - p));
		len = (size_t)((newline ? newline : end) - p);
		ps->line_number++;
		ps->line_start = p;
		ps->line = cw_str_make(p, newline && len && p[len - 1] == '\r' ? len - 1 : len);
		check_bytes(ps);
		r = parse_line(ps);
		if (r)
			return r;
		p = newline ? newline + 1 : end;
	}
	for (; ps->depth; ps->depth--)
		report_unclosed(ps, &ps->levels[ps->depth]);
	return 0;
}

/* Note that `name` is read. The strings stay in the arena, where the places point. */
static int add_file(struct cw_conf *conf, const char *name, const char **out)
{
	struct cw_str copy;
	char **grown;
	int r;

	r = cw_arena_str(&conf->memory->arena, cw_str_of(name), &copy);
	if (r)
		return r;
	grown = realloc(conf->files, (conf->n_files + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	conf->files = grown;
	conf->files[conf->n_files++] = (char *)(uintptr_t)copy.p;
	*out = copy.p;
	return 0;
}

/* Read from `fd` until `text` is full or the end. Returns 0 and *len set, or a negative errno. */
static int read_some(int fd, char *text, size_t capacity, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < capacity; *len += (size_t)n) {
		n = read(fd, text + *len, capacity - *len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
		else if (n == 0)
			break;
	}
	return 0;
}

/* Read all of `fd`, which should hold `size` bytes (0: unknown). Returns 0, -EFBIG at a limit, or another negative errno. */
static int read_text(struct cw_conf *conf, int fd, size_t size, struct cw_str *out)
{
	struct cw_conf_memory *m = conf->memory;
	size_t left = CW_CONF_TOTAL_MAX - m->total_bytes;
	size_t max = left < CW_CONF_FILE_MAX ? left : CW_CONF_FILE_MAX;
	size_t capacity = size && size < max ? size + 1 : max + 1; /* one more: to see the end */
	size_t len;
	char *text;
	int r;

	text = cw_arena_alloc(&m->arena, capacity);
	if (!text)
		return -ENOMEM;
	r = read_some(fd, text, capacity, &len);
	if (r)
		return r;
	if (len == capacity)
		return len > max ? -EFBIG : -EAGAIN;
	m->total_bytes += len;
	*out = cw_str_make(text, len);
	return 0;
}

static const char *read_problem(int error)
{
	switch (error) {
	case EFBIG:
		return "it is larger than 64 MiB, or all files together than 256 MiB";
	case EAGAIN:
		return "it grew while it was read";
	default:
		return strerror(error);
	}
}

static bool is_being_read(const struct frame *frame)
{
	const struct frame *f;

	for (f = frame->outer; f; f = f->outer)
		if (f->dev == frame->dev && f->ino == frame->ino)
			return true;
	return false;
}

/*
 * Open and read the file of `ps`; one that cannot be read is reported at `place` (the include; NULL: the file itself).
 *
 * Returns: 0 with *out set and *is_read true or false; -ENOMEM.
 */
static int load_text(struct parser *ps, const struct cw_place *place, struct frame *frame,
	struct cw_str *out, bool *is_read)
{
	const struct cw_place whole = {.file = ps->file};
	struct stat st;
	int fd, r;

	*is_read = false;
	fd = open(ps->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		goto out;
	}
	frame->dev = st.st_dev;
	frame->ino = st.st_ino;
	if (is_being_read(frame)) {
		cw_diag_add(ps->diag, CW_SEVERITY_ERROR, place,
			"\"%s\" includes itself: it is being read already", ps->file);
		close(fd);
		return 0;
	}
	r = S_ISDIR(st.st_mode)
		    ? -EISDIR
		    : read_text(ps->conf, fd, st.st_size > 0 ? (size_t)st.st_size : 0, out);
out:
	if (fd >= 0)
		close(fd);
	if (r == 0)
		*is_read = true;
	else if (r != -ENOMEM)
		cw_diag_add(ps->diag, CW_SEVERITY_ERROR, place ? place : &whole,
			"cannot read \"%s\": %s", ps->file, read_problem(-r));
	return r == -ENOMEM ? r : 0;
}

/* Read one file into the level where `outer` stands. */
static int parse_file(struct parser *outer, const struct cw_place *place, const char *path)
{
	struct level *lv = &outer->levels[outer->depth];
	struct frame frame = {.outer = outer->frame};
	struct parser ps = {
		.conf = outer->conf,
		.diag = outer->diag,
		.frame = &frame,
		.include_depth = outer->include_depth + 1,
		.outer_depth = outer->outer_depth + outer->depth,
	};
	struct cw_str text;
	bool is_read = false;
	int r;

	if (ps.include_depth > CW_CONF_DEPTH_MAX + 1 || ps.conf->n_files >= CW_CONF_FILES_MAX) {
		cw_diag_add(ps.diag, CW_SEVERITY_ERROR, place,
			ps.conf->n_files >= CW_CONF_FILES_MAX
				? "more than %d files"
				: "includes are nested more than %d deep",
			ps.conf->n_files >= CW_CONF_FILES_MAX ? CW_CONF_FILES_MAX
							      : CW_CONF_DEPTH_MAX);
		return 0;
	}
	r = add_file(ps.conf, path, &ps.file);
	if (r == 0)
		r = load_text(&ps, place, &frame, &text, &is_read);
	if (r || !is_read)
		return r;
	ps.levels[0].tail = lv->tail;
	r = parse_text(&ps, text);
	lv->tail = ps.levels[0].tail;
	lv->last = NULL;
	return r;
}

static struct cw_conf *create(void)
{
	struct cw_conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->memory = calloc(1, sizeof(*conf->memory));
	if (!conf->memory) {
		free(conf);
		return NULL;
	}
	cw_arena_init(&conf->memory->arena, 0);
	return conf;
}

int cw_conf_load(struct cw_conf **out, const char *path, struct cw_diag *diag)
{
	struct cw_conf *conf = create();
	struct parser ps = {.conf = conf, .diag = diag};
	int r;

	if (!conf)
		return -ENOMEM;
	ps.levels[0].tail = &conf->root;
	r = parse_file(&ps, NULL, path);
	if (r) {
		cw_conf_destroy(conf);
		return r;
	}
	*out = conf;
	return 0;
}

int cw_conf_parse(struct cw_conf **out, const char *name, struct cw_str text, struct cw_diag *diag)
{
	struct cw_conf *conf = create();
	struct parser ps = {.conf = conf, .diag = diag, .include_depth = 1};
	struct cw_str copy;
	int r;

	if (!conf)
		return -ENOMEM;
	ps.levels[0].tail = &conf->root;
	r = add_file(conf, name, &ps.file);
	if (r == 0)
		r = cw_arena_str(&conf->memory->arena, text, &copy);
	if (r == 0) {
		conf->memory->total_bytes = text.len;
		r = parse_text(&ps, copy);
	}
	if (r) {
		cw_conf_destroy(conf);
		return r;
	}
	*out = conf;
	return 0;
}

void cw_conf_destroy(struct cw_conf *conf)
{
	if (!conf)
		return;
	cw_arena_finish(&conf->memory->arena);
	free(conf->memory);
	free(conf->files);
	free(conf);
}
