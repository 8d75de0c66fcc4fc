"""DWARF debug info, versions 4 and 5: lines, functions, inlined code, variables.

Section numbers in comments are those of the DWARF Debugging Information Format, version 5. Everything
starts from `ktrace.symbols.dwarf.info.DebugInfo`.

Read here rather than through pyelftools: that copies each section into memory and makes an object of
each entry and each field, which takes seconds for what a look-up should do at once.
"""
