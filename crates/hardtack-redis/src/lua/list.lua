-- Argument: a subject. Returns ids and rows, alternating.
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', subject_key(ARGV[1]))) do
  local text = redis.call('GET', session_key(id))
  if text then
    found[#found + 1] = id
    found[#found + 1] = text
  end
end
return found
