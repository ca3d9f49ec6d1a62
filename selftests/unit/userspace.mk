# SPDX-License-Identifier: GPL-2.0
# Tests of userspace code that need no module: the library's tables and words,
# vmmuctl's reading of images and of /proc. Included by the Makefile beside it.

.DEFAULT_GOAL := all
USERSPACE := $(TOP)/userspace
USERSPACE_TESTS := test_table test_words test_image test_image_space test_fdinfo \
	test_hexdump test_options
TESTS += $(USERSPACE_TESTS)

# The calls are left out where a test has a VM of its own.
LIB_PURE := $(addprefix $(USERSPACE)/lib/,table.c table_format.c table_map.c \
	table_print.c table_x86_64.c words.c)
CLI_PURE := $(addprefix $(USERSPACE)/cli/,image.c image_elf.c image_options.c \
	image_space.c fdinfo.c hexdump.c options.c parse.c write_options.c) \
	$(LIB_PURE)

USERSPACE_CFLAGS := $(filter-out -I$(TOP)/module,$(CFLAGS)) \
	-I$(USERSPACE)/lib -I$(USERSPACE)/cli \
	$(shell pkg-config --cflags json-c 2>/dev/null)

$(OUT)/test_table $(OUT)/test_words: PARTS = $(LIB_PURE)
CLI_TESTS := test_image test_image_space test_fdinfo test_hexdump test_options
$(CLI_TESTS:%=$(OUT)/%): PARTS = $(CLI_PURE)

$(USERSPACE_TESTS:%=$(OUT)/%): $(OUT)/%: %.c $(CLI_PURE) \
		fake_cli.h $(wildcard $(USERSPACE)/lib/*.h $(USERSPACE)/cli/*.h)
	@mkdir -p $(OUT)
	@$(CC) $(USERSPACE_CFLAGS) -o $@ $< $(PARTS)
