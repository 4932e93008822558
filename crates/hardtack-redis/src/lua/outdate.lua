-- Arguments: now, a subject, and its new claims if they change. Returns ids and generations, alternating.
local now, subject, claims = unpack(ARGV, 1, 3)
local rows, entries, outdated = {}, {}, {}
-- All rows are read before the first is written, since Redis does not roll back a script that stops.
for _, id in ipairs(redis.call('SMEMBERS', subject_key(subject))) do
  local row = read(id)
  if row and row.revoked_at == '-' then
    local details = read_details(row)
    details.outdated_generation = row.generation
    if claims then details.claims = claims end
    set_details(row, details)
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
