-- Rotates a row that the script has read, writes it and returns its text. Returns false if the session is not live or
-- its generation is not `generation`. If `auth_time` is `-`, the row keeps its `auth_time`.
local function rotate(row, generation, next_generation, now, expires_at, auth_time)
  if row.generation ~= generation or row.revoked_at ~= '-' or tonumber(row.expires_at) <= tonumber(now) then
    return false
  end
  row.generation, row.rotated_at, row.confirmed = next_generation, now, '0'
  row.expires_at = earlier(expires_at, row.absolute_expires_at)
  if auth_time ~= '-' then row.auth_time = auth_time end
  redis.call('ZADD', ENDS, row.expires_at, row.id)
  return write(row)
end
