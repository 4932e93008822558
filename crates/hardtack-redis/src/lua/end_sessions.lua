-- Ending sessions.

-- Returns two lists: the live rows that the arguments from number `first` on select, each row once; and log entries for
-- the sessions that the arguments name but that have no row, because the server may have lost their rows. Arguments:
--   sessions ID…                the sessions
--   replaced ID…                the sessions, whose browsers get new ones
--   all SUBJECT                 all sessions of the subject
--   all_except SUBJECT ID       all sessions of the subject except one
--   renewed SUBJECT ID          all sessions of the subject, and the browser of one gets a new session
local function select_rows(first)
  local how, ids, named, lost = ARGV[first], {}, nil, {}
  if how == 'sessions' or how == 'replaced' then
    for i = first + 1, #ARGV do ids[#ids + 1] = ARGV[i] end
  else
    ids = redis.call('SMEMBERS', subject_key(ARGV[first + 1]))
    named = ARGV[first + 2]
  end
  local rows, seen = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] and not (how == 'all_except' and id == named) then
      seen[id] = true
      local row = read(id)
      if row and row.revoked_at == '-' then
        row.replaced = how == 'replaced' or (how == 'renewed' and id == named)
        rows[#rows + 1] = row
      elseif not row and (how == 'sessions' or how == 'replaced') then
        lost[#lost + 1] = { how == 'sessions' and 'session' or 'replaced', id }
      end
    end
  end
  if how == 'renewed' and not read(named) then lost[1] = { 'replaced', named } end
  return rows, lost
end

-- Adds the least recently used sessions of a subject to the rows that end: as many as necessary, so that at most
-- `limit` are live when one more begins. Returns the time at which they end: now, or their last rotation if that is
-- later, because the clock of another server is ahead.
local function add_excess(rows, subject, limit, now)
  local ending, live = {}, {}
  for _, row in ipairs(rows) do ending[row.id] = true end
  for _, id in ipairs(redis.call('SMEMBERS', subject_key(subject))) do
    local row = not ending[id] and read(id)
    if row and row.revoked_at == '-' and tonumber(row.expires_at) > tonumber(now) then live[#live + 1] = row end
  end
  local excess = #live + 1 - limit
  if excess <= 0 then return now end
  table.sort(live, function(a, b)
    local one, other = tonumber(a.rotated_at), tonumber(b.rotated_at)
    if one ~= other then return one < other end
    one, other = created_at(a), created_at(b)
    if one ~= other then return one < other end
    return a.id < b.id
  end)
  -- There are more than 2,000 only if they began without a limit. The rest end at the next log-ins: Redis runs no other
  -- command while it runs this script.
  local at = now
  for i = 1, math.min(excess, 2000) do
    rows[#rows + 1] = live[i]
    if tonumber(live[i].rotated_at) > tonumber(at) then at = live[i].rotated_at end
  end
  return at
end

-- Ends the rows, appends each to the log after the entries in `lost`, and returns their ids. The index entries are
-- removed first, because a server whose memory is full lets a script finish that begins by freeing memory.
local function end_rows(rows, lost, now)
  local ids = {}
  if #rows + #lost == 0 then return ids end
  for _, row in ipairs(rows) do redis.call('SREM', subject_key(row.subject), row.id) end
  local entries = lost
  for i, row in ipairs(rows) do
    row.revoked_at = row.replaced and now .. 'r' or now
    write(row)
    redis.call('ZADD', ENDS, earlier(row.expires_at, now), row.id)
    entries[#entries + 1] = { row.replaced and 'replaced' or 'session', row.id }
    ids[i] = row.id
  end
  append(entries, now)
  return ids
end
