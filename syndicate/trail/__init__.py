"""The trail as proof: what outsiders need to see for themselves that no line was changed, lost or added.

merkle    one hash for all lines, and the few hashes that tie a line, a range or an older state to it
note      that hash, signed: the checkpoint
files     the files that leave the house, byte for byte
roll      the order of lines, and what is said of one that is not where it should be
checking  whether such a file tells the truth, with nothing but the public key

Pure: no file, no database, no clock.
"""
