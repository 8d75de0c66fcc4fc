"""DWARF debug info, versions 4 and 5: lines, functions, inlined code, variables.

Section numbers in comments are those of the DWARF Debugging Information Format, version 5. Start from
`ktrace.symbols.dwarf.info.DebugInfo`.

This package does not use pyelftools, which copies each section into memory and makes an object for each entry
and each field. That takes seconds for a look-up that should be instant.
"""
