-- Arguments: id, generation, the next generation, now, the new end, auth_time or `-` to keep it, and `1` if the client
-- has proved that it has the device's key. Returns the new row, or false if the session is not live, has another
-- generation, or is bound and the client has not given this proof.
local row = read(ARGV[1])
if not row or (is_bound(row) and ARGV[7] ~= '1') then return false end
return rotate(row, unpack(ARGV, 2, 6))
