"""The HTTP client for partners: mirror licensed items into a local folder, and remove recalled ones.

It is the reference implementation of docs/how-to/keep-a-copy-in-step.md. It talks to the server by HTTP
alone. It shares only small modules with it: errors, languages, strict JSON, durable files, item ids.

change_api      HTTP requests: retries, limits, what each status means
change_entries  the answer of the changes API, parsed strictly
sync            the loop: read, apply, acknowledge, fetch
sync_state      cursor and pending work, in one small file with a checksum
folder          the local folder: items, their records, one process at a time
item_page       the two files of an item: ninjs document and HTML page
network_errors  network and TLS errors in plain words
client_errors   every error of the client
"""
