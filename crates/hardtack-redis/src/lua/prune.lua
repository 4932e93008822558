-- A time, a limit. The log is forgotten from its beginning only, so that it has no holes.
local before, limit = ARGV[1], tonumber(ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', ENDS, '-inf', '(' .. before, 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  -- A row that cannot be read goes as well; `list` and `revoke` pass over an index without a row.
  local readable, row = pcall(read, id)
  if readable and row then redis.call('SREM', subject_key(row.subject), id) end
  redis.call('DEL', session_key(id))
  redis.call('ZREM', ENDS, id)
end
local forgotten = #ids
if forgotten < limit then
  for _, entry in ipairs(redis.call('XRANGE', LOG, '-', '+', 'COUNT', limit - forgotten)) do
    if tonumber(entry[2][4]) >= tonumber(before) then break end
    redis.call('XDEL', LOG, entry[1])
    forgotten = forgotten + 1
  end
end
return forgotten
