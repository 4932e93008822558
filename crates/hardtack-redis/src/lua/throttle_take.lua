-- Takes a token of each budget, or none if one of them is empty. The arithmetic is that of `take_all` in `hardtack`.
--
-- Arguments: the most counters to keep; then, for each budget, its key, the milliseconds in which a token is added and
-- in which the bucket fills, and the same for failures in a row (0 if they are not limited).
--
-- Returns the milliseconds to wait, 0 if the tokens were taken, and 1 if the wait is due to failures in a row.
local SAMPLE = 16
local time = now()
local budgets, wait, in_a_row = {}, 0, 0

for at = 2, #ARGV, 5 do
  local budget = { key = ARGV[at], every = tonumber(ARGV[at + 1]), fill = tonumber(ARGV[at + 2]),
    failures_every = tonumber(ARGV[at + 3]), failures_fill = tonumber(ARGV[at + 4]) }
  local full_at, failures_full_at = read(budget.key)
  -- Times that are further ahead than an empty bucket needs: the clock was ahead, or the budget has become smaller.
  budget.full_at = math.min(full_at, time + budget.fill)
  budget.failures_full_at = math.min(failures_full_at, time + budget.failures_fill)
  budget.corrected = budget.full_at ~= full_at or budget.failures_full_at ~= failures_full_at
  local tries = math.max(budget.full_at, time) + budget.every - budget.fill - time
  local failures = 0
  if budget.failures_every > 0 then
    failures = math.max(budget.failures_full_at, time) + budget.failures_every - budget.failures_fill - time
  end
  if math.max(tries, failures) > wait then
    wait = math.max(tries, failures)
    in_a_row = failures > tries and 1 or 0
  end
  budgets[#budgets + 1] = budget
end

local function spent(full_at, fill)
  if fill == 0 then return 0 end
  return math.floor(math.max(full_at - time, 0) * 1000 / fill)
end

local written, added = {}, 0
for _, budget in ipairs(budgets) do
  if wait == 0 then
    budget.full_at = math.max(budget.full_at, time) + budget.every
    if budget.failures_every > 0 then
      budget.failures_full_at = math.max(budget.failures_full_at, time) + budget.failures_every
    end
  end
  if wait == 0 or budget.corrected then
    local spent_most =
      math.max(spent(budget.full_at, budget.fill), spent(budget.failures_full_at, budget.failures_fill))
    added = added + write(budget.key, budget.full_at, budget.failures_full_at, spent_most)
    written[budget.key] = true
  end
end

-- Each new counter makes room: counters that are full go, and if there are too many, the one in a random sample of
-- which least is spent.
for _ = 1, added do
  local sample = redis.call('HRANDFIELD', COUNTERS, SAMPLE, 'WITHVALUES')
  local least, least_spent
  for at = 1, #sample, 2 do
    local key = sample[at]
    local full_at, failures_full_at, of_all = parse(sample[at + 1])
    if full_at <= time and failures_full_at <= time then
      redis.call('HDEL', COUNTERS, key)
    elseif not written[key] and (not least or of_all < least_spent) then
      least, least_spent = key, of_all
    end
  end
  if least and redis.call('HLEN', COUNTERS) > tonumber(ARGV[1]) then redis.call('HDEL', COUNTERS, least) end
end

return { wait, in_a_row }
