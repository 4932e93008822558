-- Arguments: now, and which sessions to end (see select_rows). Returns the ids of the ended sessions.
return end_rows(select_rows(2), ARGV[1])
