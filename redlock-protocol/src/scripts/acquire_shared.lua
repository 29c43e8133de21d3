local guard, life, slack, heeds = tonumber(ARGV[3]), tonumber(ARGV[4]), 1000000, tonumber(ARGV[6])
local resources = #KEYS / (1 + (life > 0 and 1 or 0) + heeds)
local counters = resources * (life > 0 and 2 or 1)
local held, longest, join, counter = false, 0, {}, 0
local time = redis.pcall('TIME')
if time.err then return {4, 'TIME', time.err} end
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, resources do
  local key, by, left = KEYS[i], false, 0
  local score = redis.pcall('ZSCORE', key, ARGV[1])
  if type(score) == 'table' then
    if not string.find(score.err, 'WRONGTYPE', 1, true) then return score end
    local value = redis.call('GET', key)
    if value ~= ARGV[1] then by, left = value, redis.call('PTTL', key) end
  elseif not score or tonumber(score) < now then
    local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
    if last[1] and not string.find(last[1], '^' .. string.rep('%x', 40)) then
      return redis.error_reply('WRONGTYPE a sorted set that holds no shares')
    end
    join[#join + 1] = {key, tonumber(last[2] or 0)}
    left = heeds == 1 and redis.call('PTTL', KEYS[counters + i]) or -1
    by = left >= 0 and ''
  end
  if by and (not held or longest ~= -1 and (left == -1 or left > longest)) then held, longest = by, left end
end
--# COUNTERS resources + 1, counters
if held then return {0, longest, counter, string.sub(held, 1, 200)} end
--# GUARD
local number = 0
if life > 0 then
--# NEAR
  number = counter > 0 and counter or near
  number = number + 1 - number % 2
  local text = string.format('%.0f', number)
  for i = resources + 1, counters do redis.call('SET', KEYS[i], text, 'PX', ARGV[4]) end
end
for _, entry in ipairs(join) do
  local key, ends = entry[1], now + tonumber(ARGV[2])
  redis.call('ZADD', key, string.format('%.0f', ends), ARGV[1])
  local done = redis.pcall('PEXPIRE', key, string.format('%.0f', math.max(entry[2], ends) - now + 1))
  if type(done) ~= 'table' then done = redis.pcall('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', now)) end
  if type(done) == 'table' then
    redis.pcall('ZREM', key, ARGV[1])
    return done
  end
end
return {#join == resources and 1 or 2, number}
