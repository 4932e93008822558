-- Ending sessions. The arguments from `first` on say which: `these` and ids, `all` and a subject, or
-- `others`, a subject and the id that is kept.

-- The rows that are to end and have not yet, each once.
local function ending(first)
  local ids, kept = {}, nil
  if ARGV[first] == 'these' then
    for i = first + 1, #ARGV do ids[#ids + 1] = ARGV[i] end
  else
    ids = redis.call('SMEMBERS', subject_key(ARGV[first + 1]))
    kept = ARGV[first + 2]
  end
  local rows, seen = {}, {}
  for _, id in ipairs(ids) do
    if id ~= kept and not seen[id] then
      seen[id] = true
      local row = read(id)
      if row and row.revoked_at == '-' then rows[#rows + 1] = row end
    end
  end
  return rows
end

-- Ends the rows and writes each to the log; answers their ids. The index goes first: a server whose
-- memory is full takes what frees some, and then the rest of the script as well.
local function finish(rows, now)
  local ids = {}
  if #rows == 0 then return ids end
  for _, row in ipairs(rows) do redis.call('SREM', subject_key(row.subject), row.id) end
  local sequence = newest()
  for i, row in ipairs(rows) do
    row.revoked_at = now
    write(row)
    redis.call('ZADD', ENDS, earlier(row.expires_at, now), row.id)
    redis.call('XADD', LOG, '0-' .. string.format('%.0f', sequence + i), 'session', row.id, 'at', now)
    ids[i] = row.id
  end
  redis.call('HSET', HEAD, 'sequence', string.format('%.0f', sequence + #rows))
  return ids
end
