-- Arguments: a time, and a limit. Deletes rows and log entries from before that time, and returns how many. Log entries
-- are deleted only from the beginning of the log, so that it has no gaps.
local before, limit = ARGV[1], tonumber(ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', ENDS, '-inf', '(' .. before, 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  -- An unreadable row is deleted as well, although its index entry stays: `list` and `revoke` skip an id without a row.
  local readable, row = pcall(read, id)
  if readable and row then redis.call('SREM', subject_key(row.subject), id) end
  redis.call('DEL', session_key(id))
  redis.call('ZREM', ENDS, id)
end
local deleted = #ids
if deleted < limit then
  for _, entry in ipairs(redis.call('XRANGE', LOG, '-', '+', 'COUNT', limit - deleted)) do
    if tonumber(entry[2][4]) >= tonumber(before) then break end
    redis.call('XDEL', LOG, entry[1])
    deleted = deleted + 1
  end
end
return deleted
