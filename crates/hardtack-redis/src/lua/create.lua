-- now, id, row, subject, its end, 1 where it is in the index, and which sessions end.
local now, id, row, subject, ends, indexed = unpack(ARGV, 1, 6)
if redis.call('EXISTS', session_key(id)) == 1 then return false end
local ended = finish(ending(7), now)
redis.call('SET', session_key(id), row)
redis.call('ZADD', ENDS, ends, id)
if indexed == '1' then redis.call('SADD', subject_key(subject), id) end
return ended
