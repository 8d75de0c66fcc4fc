"""The SystemTap language: small passes turn a script's text into a Plan and a program."""
