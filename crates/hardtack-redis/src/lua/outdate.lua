-- now, a subject, its claims unless they stay. Answers ids and generations by turns.
local now, subject, claims = unpack(ARGV, 1, 3)
local rows, entries, outdated = {}, {}, {}
-- All are read before the first is written: a script that stops is not undone.
for _, id in ipairs(redis.call('SMEMBERS', subject_key(subject))) do
  local row = read(id)
  if row and row.revoked_at == '-' then
    local rest = cjson.decode(string.sub(row.rest, tonumber(row.length) + 1))
    rest.outdated_generation = row.generation
    if claims then rest.claims = claims end
    row.rest = row.subject .. cjson.encode(rest)
    rows[#rows + 1] = row
  end
end
for i, row in ipairs(rows) do
  write(row)
  entries[i] = { 'outdated', row.id, 'generation', row.generation }
  outdated[2 * i - 1], outdated[2 * i] = row.id, row.generation
end
if #entries > 0 then append(entries, now) end
return outdated
