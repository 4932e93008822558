-- Arguments: now, and which sessions to end (see select_rows). Returns the ids of the ended sessions.
local ending, lost = select_rows(2)
return end_rows(ending, lost, ARGV[1])
