-- Arguments: a subject, now, a limit, and the position: created_at and id of the session before it, or `-` twice.
-- Returns ids and rows, alternating: the newest first, then by id.
local subject, now, limit, after_at, after_id = unpack(ARGV, 1, 5)
now, limit = tonumber(now), tonumber(limit)
local live = {}
for _, id in ipairs(redis.call('SMEMBERS', subject_key(subject))) do
  local row = read(id)
  if row and row.revoked_at == '-' and tonumber(row.expires_at) > now then
    local at = created_at(row)
    local is_after = after_at == '-' or at < tonumber(after_at) or (at == tonumber(after_at) and id > after_id)
    if is_after then live[#live + 1] = { id = id, at = at } end
  end
end
table.sort(live, function(a, b)
  if a.at ~= b.at then return a.at > b.at end
  return a.id < b.id
end)
local found = {}
for i = 1, math.min(limit, #live) do
  found[2 * i - 1] = live[i].id
  found[2 * i] = redis.call('GET', session_key(live[i].id))
end
return found
