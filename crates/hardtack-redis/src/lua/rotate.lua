-- Arguments: id, generation, the next generation, now, the new end, and auth_time or `-` to keep it. Returns the new
-- row, or false if the session is not live or has another generation.
local id, generation, next_generation, now, expires_at, auth_time = unpack(ARGV, 1, 6)
local row = read(id)
if not row or row.generation ~= generation or row.revoked_at ~= '-' or tonumber(row.expires_at) <= tonumber(now) then
  return false
end
row.generation, row.rotated_at, row.confirmed = next_generation, now, '0'
row.expires_at = earlier(expires_at, row.absolute_expires_at)
if auth_time ~= '-' then row.auth_time = auth_time end
redis.call('ZADD', ENDS, row.expires_at, id)
return write(row)
