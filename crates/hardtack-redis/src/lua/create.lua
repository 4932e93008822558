-- Arguments: now, id, row, subject, the row's end, 1 if the session is live and belongs in the index of its subject,
-- the most live sessions of the subject or `-`, and which sessions to end (see select_rows). Returns the ids of the
-- ended sessions, or false if the id exists. If the session that the new one replaces has already ended, changes nothing.
local now, id, row, subject, ends, indexed, limit = unpack(ARGV, 1, 7)
if redis.call('EXISTS', session_key(id)) == 1 then return false end
if ARGV[8] == 'renewed' then
  local renewed = read(ARGV[10])
  if renewed and renewed.revoked_at ~= '-' then return {} end
end
local ending, lost = select_rows(8)
local at = limit == '-' and now or add_excess(ending, subject, tonumber(limit), now)
local ended = end_rows(ending, lost, at)
redis.call('SET', session_key(id), row)
redis.call('ZADD', ENDS, ends, id)
if indexed == '1' then redis.call('SADD', subject_key(subject), id) end
return ended
