"""Proofs of the trail: with them outsiders verify that no record was changed, lost or added.

merkle          the Merkle tree over the records, and its proofs
checkpoint      signed notes that state size and root
proof_files     the formats of export and proof files
strict_values   their values, read in one encoding only
line_verifier   the order of records, and a name for each that is missing, changed or out of place
export_check    check an exported range
offline_check   check any such file, with the public key alone
verification    verify the whole trail from the database

Pure: no file, no database, no clock.
"""
