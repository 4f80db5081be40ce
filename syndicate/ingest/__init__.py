"""Turn a saved page, an HTML page, an MHTML archive or a ninjs document into an item, or refuse it.

One module per kind of document (`text_page`, `html_page`, `mhtml`, `ninjs_document`), each from
bytes or text to a `Draft`; `document_parser` chooses among them, `draft` checks what they found. Pure:
bytes and `now` in, an item with notes, or every fault, out.
"""
