"""The SystemTap language: small passes from a script's text to a Plan and a program."""
