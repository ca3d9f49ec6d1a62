// SPDX-License-Identifier: GPL-2.0
#include <linux/miscdevice.h>
#include <linux/fs.h>
#include <linux/module.h>

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmmu",
	.mode = 0600,
	.fops = &device_fops,
};

module_misc_device(device);
MODULE_DESCRIPTION("Virtual MMU: per-VM real map tables behind /dev/vmmu");
MODULE_LICENSE("GPL");
