"""Translate C expressions, such as `file->f_path.dentry->d_name.name`, into kernel fetch arguments."""
