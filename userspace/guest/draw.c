// SPDX-License-Identifier: GPL-2.0
/*
 * The drawings: the legend, and for each VM its tables side by side.
 *
 * What is drawn is read from where it is kept. Page tables are walked in real
 * memory, where the guest OS has them, by libvmmu; the real map table is asked
 * of the module. Only the remark what a real page holds comes from the guest
 * OS's own notes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

#define PANEL_LINES	64
#define LINE_BYTES	160
#define PANEL_TITLE_LINES 1

static bool coloured;

void ink_on(void)
{
	coloured = true;
}

/* What to print to change to a colour. */
const char *ink(enum ink which)
{
	static const char * const codes[] = {
		[PLAIN] = "\033[0m", [VIRTUAL] = "\033[36m",
		[REAL] = "\033[33m", [FRAME] = "\033[32m",
		[TITLE] = "\033[1m", [GOOD] = "\033[32m",
		[BAD] = "\033[31m",
	};

	return coloured ? codes[which] : "";
}

/* printf() in a colour. */
void paint(enum ink which, const char *format, ...)
{
	va_list arguments;

	fputs(ink(which), stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	fputs(ink(PLAIN), stdout);
}

void draw_title(const char *title)
{
	putchar('\n');
	paint(TITLE, "%s", title);
	putchar('\n');
}

void draw_legend(void)
{
	draw_title("Three kinds of address");
	paint(VIRTUAL, "  virtual page");
	printf(" --(page table)--> ");
	paint(REAL, "real page");
	printf(" --(real map table)--> ");
	paint(FRAME, "physical frame\n\n");
	paint(VIRTUAL, "  virtual    ");
	printf("what a program uses. A page table for each program, kept by the guest OS,\n"
	       "             says which real page it is.\n");
	paint(REAL, "  real       ");
	printf("what a guest OS takes for its machine's memory. A real map table for each VM,\n"
	       "             kept by the module, vmmu.ko, says which physical frame it is.\n");
	paint(FRAME, "  physical   ");
	printf("a page frame of the host, the Linux that runs all this. There is one set.\n"
	       "  Each program is machine code in a process of its own that has nothing but a window:\n"
	       "  memory where the host's MMU does both steps at once. Pages have 0x1000 bytes and\n"
	       "  hexadecimal numbers: virtual address (va) 0x20123 is byte 123 of virtual page 20.\n");
}

/* A table being drawn: lines of the same width, on the screen. */
struct panel {
	unsigned int width;
	unsigned int nr;
	char lines[PANEL_LINES][LINE_BYTES];
};

static void __attribute__((format(printf, 2, 3)))
panel_add(struct panel *panel, const char *format, ...)
{
	va_list arguments;

	if (panel->nr == PANEL_LINES)
		return;
	va_start(arguments, format);
	vsnprintf(panel->lines[panel->nr++], LINE_BYTES, format, arguments);
	va_end(arguments);
}

/* A rule, drawn after the columns of @pattern: "+" where it has "|". */
static void panel_rule(struct panel *panel, const char *pattern)
{
	char rule[LINE_BYTES];
	size_t i;

	for (i = 0; pattern[i]; i++)
		rule[i] = pattern[i] == '|' ? '+' : '-';
	rule[i] = '\0';
	panel_add(panel, "%s", rule);
}

static void panel_head(struct panel *panel, const char *title,
		       const char *columns)
{
	*panel = (struct panel){ .width = strlen(columns) };
	panel_add(panel, "%s", title);
	panel_rule(panel, columns);
	panel_add(panel, "%s", columns);
	panel_rule(panel, columns);
}

#define TABLE_COLUMNS	"| virtual page | real |"
#define REAL_COLUMNS	"| real |     frame | what it holds             |"

/* Add a row for each page that a page table maps. */
static int add_page(void *context, uint64_t va, const struct vmmu_step *step,
		    const struct vmmu_table_entry *entry)
{
	struct panel *panel = context;
	char rights[8];

	(void)step;
	if (!(entry->flags & VMMU_TABLE_LEAF))
		return 0;
	panel_add(panel, "| %s%6lx%s   %.3s | %s%4lx%s |", ink(VIRTUAL),
		  va / PAGE_BYTES, ink(PLAIN),
		  vmmu_rights_text(entry->rights, rights, sizeof(rights)),
		  ink(REAL), entry->ra / PAGE_BYTES, ink(PLAIN));
	return 0;
}

static int table_panel(struct panel *panel, const struct program *program)
{
	char title[32];
	int err;

	snprintf(title, sizeof(title), "page table, program %u",
		 program->number);
	panel_head(panel, title, TABLE_COLUMNS);
	err = vmmu_table_visit(&program->table, add_page, panel);
	panel_rule(panel, TABLE_COLUMNS);
	return err;
}

/* "program 1" or "programs 1, 4": whose page tables refer to a page. */
static void name_users(const struct guest *guest, uint64_t ra, uint64_t va,
		       char *text, size_t bytes)
{
	unsigned int i, nr = 0;
	size_t used = 0;

	for (i = 0; i < guest->nr_programs; i++) {
		const struct program *program = &guest->programs[i];
		uint64_t found;

		if (program->space < 0 || table_look(program, va, &found) ||
		    found != ra || used >= bytes)
			continue;
		used += snprintf(text + used, bytes - used, "%s%u",
				 nr++ ? "+" : "program ", program->number);
	}
}

/* What the guest OS uses a real page for. */
static void describe_page(const struct guest *guest, uint64_t ra, char *text,
			  size_t bytes)
{
	const struct page *page = pages_look(&guest->pages, ra);
	char users[32] = "";

	if (!page || !page->users) {
		snprintf(text, bytes, "not in use");
	} else if (page->use == PAGE_MEMORY) {
		name_users(guest, ra, page->va, users, sizeof(users));
		snprintf(text, bytes, "%s: %s page %lx", users, page->region,
			 page->va / PAGE_BYTES);
	} else {
		snprintf(text, bytes, "program %u: level %u table",
			 page->owner->number, page->level);
	}
}

static int real_panel(struct panel *panel, const struct guest *guest)
{
	char title[32], holds[64], text[24];
	uint64_t ra = 0;
	int nr;

	snprintf(title, sizeof(title), "real map table, VM %u", guest->number);
	panel_head(panel, title, REAL_COLUMNS);
	for (;;) {
		struct vmmu_real_map_entry found;
		struct real_entry entry;

		nr = vmmu_real_map(guest->vm, &ra, UINT64_MAX, &found, 1);
		if (nr <= 0)
			break;
		entry = (struct real_entry){
			.present = true,
			.hidden = found.flags & VMMU_REAL_FRAME_HIDDEN,
			.frame = found.frame,
		};
		frame_text(&entry, text);
		describe_page(guest, found.ra, holds, sizeof(holds));
		panel_add(panel, "| %s%4llx%s | %s%9s%s | %-25s |", ink(REAL),
			  found.ra / PAGE_BYTES, ink(PLAIN), ink(FRAME),
			  entry.hidden ? "hidden" : text + strlen("frame "),
			  ink(PLAIN), holds);
	}
	panel_rule(panel, REAL_COLUMNS);
	return nr;
}

/* Draw the panels side by side. */
static void print_panels(const struct panel *panels, unsigned int nr)
{
	unsigned int line, lines = 0, i;

	for (i = 0; i < nr; i++)
		if (panels[i].nr > lines)
			lines = panels[i].nr;
	for (line = 0; line < lines; line++) {
		putchar(' ');
		for (i = 0; i < nr; i++) {
			const char *text = line < panels[i].nr ?
				panels[i].lines[line] : "";
			/* Rows of a table, and only they, are padded. */
			int width = line >= PANEL_TITLE_LINES && *text ? 0 :
				panels[i].width;

			printf(" %-*s", i + 1 < nr ? width : 0, text);
		}
		putchar('\n');
	}
}

/* The tables of all programs of a VM that live, and the VM's real map table. */
int draw_guest(const struct guest *guest)
{
	struct panel panels[MAX_PROGRAMS + 1];
	unsigned int nr = 0, i;
	int err = 0;

	for (i = 0; i < guest->nr_programs && !err; i++)
		if (guest->programs[i].space >= 0)
			err = table_panel(&panels[nr++], &guest->programs[i]);
	if (!err)
		err = real_panel(&panels[nr++], guest);
	if (!err)
		print_panels(panels, nr);
	return err;
}

/* Every entry of every page table of a VM, as a tree. */
int draw_trees(const struct guest *guest)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < guest->nr_programs && !err; i++) {
		const struct program *program = &guest->programs[i];

		if (program->space < 0)
			continue;
		printf("\n  page table of program %u, every entry:\n",
		       program->number);
		err = vmmu_table_print_tree(&program->table, stdout);
	}
	return err;
}
