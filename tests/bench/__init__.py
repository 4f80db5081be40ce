"""The benchmarks: `make bench`, which is `python -m tests.bench`.

machine       the cores, the versions, and the CPU time of processes
load          the load client: wrk where it is installed, a client of our own elsewhere
contestants   the servers that are compared, each a process of its own on one core
corpus        documents of a newsroom, varied, any number of them, always the same
archive       archives of up to a million items with up to a thousand partners, made once and kept
agreements    mandates and licences of the shapes that partners have
partners      many partners at once, each with a licence and a key
rows          what one row of the table says
report        the table, in the terminal and as a document
subjects      what is measured, one module for each subject
bare, trailless   contestants that need code of their own
"""
