"""The partner's client: keeps a folder of items in step with what the publisher's server says may be held.

This is the reference for what a partner must do (docs/how-to/keep-a-copy-in-step.md). It speaks to the
server by HTTP alone and imports nothing of it but errors, languages and the id of an item.

change_api      requests to the server: patience, limits, what each answer means
change_entries  what the server may answer, read strictly
sync            the loop: read, apply, keep, fetch what is owed, acknowledge
sync_state      how far the folder is, in one small file that shows when it is damaged
folder          the folder: items, what is recorded of them, one process at a time
item_page       an item as it is kept: the ninjs document and its page for people
client_errors   every error of this side
"""
