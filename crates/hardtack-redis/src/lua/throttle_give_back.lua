-- Gives a token of each budget back, and ends its row of failures.
--
-- Arguments: for each budget, its key and the milliseconds in which a token is added.
local time = now()
for at = 1, #ARGV, 2 do
  local full_at, _, spent = read(ARGV[at])
  full_at = full_at - tonumber(ARGV[at + 1])
  if full_at > time then
    write(ARGV[at], full_at, 0, spent)
  else
    redis.call('HDEL', COUNTERS, ARGV[at])
  end
end
return 1
