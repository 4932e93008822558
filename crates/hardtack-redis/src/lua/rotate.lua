-- Arguments: id, generation, the next generation, now, the new end, auth_time or `-` to keep it, and `1` if the client
-- has proved that it has the device's key. Returns the new row, or false if the session is not live, has another
-- generation, or is bound and the client has not given this proof. A new auth_time outdates the previous generation.
local id, generation, now, auth_time = ARGV[1], ARGV[2], ARGV[4], ARGV[6]
local row = read(id)
if not row or (is_bound(row) and ARGV[7] ~= '1') then return false end
if auth_time == '-' then return rotate(row, unpack(ARGV, 2, 6)) end
local details = read_details(row)
details.outdated_generation = generation
set_details(row, details)
local rotated = rotate(row, unpack(ARGV, 2, 6))
if rotated then append({ { 'outdated', id, 'generation', generation } }, now) end
return rotated
