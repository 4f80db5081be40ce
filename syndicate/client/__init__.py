"""The partner's side: a folder of items kept in step with what the publisher's server says may be held.

This is the reference for what a partner must do (docs/how-to/keep-a-copy-in-step.md). It speaks to the
server by HTTP alone and imports nothing of it but errors, languages and the id of an item.

changes   what the server may say, read strictly
sequence  asking the server: patience, limits, what each answer means
page      an item as it is kept: the ninjs document and its page for people
state     how far the folder is, as one small file that shows when it is damaged
durable   a file is whole or not there, also after a power cut
folder    the folder: items, what is recorded of them, one process at a time
keeping   the loop: read, apply, keep, fetch what is owed, acknowledge
faults    every error of this side
"""
