-- Arguments: id, generation, the next generation, now, the new end, auth_time or `-` to keep it, and the device's key.
-- Returns the new row, or false if the session is not live, has another generation, or is already bound.
local row = read(ARGV[1])
if not row or is_bound(row) then return false end
local details = read_details(row)
details.bound_key, details.bound_at = ARGV[7], tonumber(ARGV[4])
set_details(row, details)
return rotate(row, unpack(ARGV, 2, 6))
