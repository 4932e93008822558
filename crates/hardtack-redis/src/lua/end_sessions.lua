-- Ending sessions. The arguments from `first` on say which: `these` and ids, `all` and a subject,
-- `others`, a subject and the id that is kept; `replacing` and `renewing`, as `these` and `others`, say whose
-- browser gets another session.

-- The rows that are to end and have not yet, each once.
local function ending(first)
  local how, ids, named = ARGV[first], {}, nil
  if how == 'these' or how == 'replacing' then
    for i = first + 1, #ARGV do ids[#ids + 1] = ARGV[i] end
  else
    ids = redis.call('SMEMBERS', subject_key(ARGV[first + 1]))
    named = ARGV[first + 2]
  end
  local rows, seen = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] and not (how == 'others' and id == named) then
      seen[id] = true
      local row = read(id)
      if row and row.revoked_at == '-' then
        row.replaced = how == 'replacing' or (how == 'renewing' and id == named)
        rows[#rows + 1] = row
      end
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
  local entries = {}
  for i, row in ipairs(rows) do
    row.revoked_at = row.replaced and now .. 'r' or now
    write(row)
    redis.call('ZADD', ENDS, earlier(row.expires_at, now), row.id)
    entries[i] = { row.replaced and 'replaced' or 'session', row.id }
    ids[i] = row.id
  end
  append(entries, now)
  return ids
end
