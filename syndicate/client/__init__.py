"""The HTTP client for partners: mirror licensed items into a local folder, and remove recalled ones.

It is the reference implementation of docs/how-to/keep-a-copy-in-step.md. It talks to the server by HTTP
alone. It shares only small modules with it: errors, languages, strict JSON, durable files, item ids.

change_api      HTTP requests: retries, limits, what each status means
change_entries  the answer of the changes API, parsed strictly
sync            the loop: read, apply, acknowledge, fetch
sync_state      cursor and pending work, in one small file with a checksum
sync_outcomes   what a run is told, what it reports, how it ends
folder          the local folder: items, their records, one process at a time
item_page       the two files of an item: ninjs document and HTML page
figures         pictures, sounds and films in a page
ninjs_texts     texts of a document that a page shows
offered_files   which files a document offers, which are kept, what they are called
media_index     what is known of the files: kept, owed, shown where
media_folder    the files on the disk
media_download  one file, resumed and checked
media_fetch     files that are owed, a few at once, beside the changes
to_its_end      work on the folder that a cancellation may not cut
network_errors  network and TLS errors in plain words
client_errors   every error of the client
"""
