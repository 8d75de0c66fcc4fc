"""From C expressions, `file->f_path.dentry->d_name.name`, to what the kernel is asked to read."""
