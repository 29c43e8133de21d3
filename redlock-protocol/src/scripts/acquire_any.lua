local guard, life, slack, first = tonumber(ARGV[3]), tonumber(ARGV[4]), 1000000, tonumber(ARGV[6])
local size = life > 0 and #KEYS / 2 or #KEYS
local values, taken, unread, mine, target = redis.call('MGET', unpack(KEYS, 1, size)), {}, {}, 0, 0
for i = 1, size do
  taken[i] = values[i] and '1' or '0'
  if not values[i] then unread[#unread + 1] = KEYS[i] end
  if mine == 0 and values[i] == ARGV[1] then mine = i end
end
if unread[1] and redis.call('EXISTS', unpack(unread)) > 0 then
  for i = 1, size do
    if not values[i] and redis.call('EXISTS', KEYS[i]) > 0 then taken[i] = '1' end
  end
end
local bits = table.concat(taken)
if mine > 0 then return {2, mine - 1, 0, bits} end
for step = 0, size - 1 do
  local at = (first + step) % size + 1
  if taken[at] == '0' then target = at break end
end
if target == 0 then
  local soonest = -1
  for i = 1, size do
    local left = redis.call('PTTL', KEYS[i])
    if left >= 0 and (soonest == -1 or left < soonest) then soonest = left end
  end
  return {0, soonest, 0, bits}
end
local time = redis.pcall('TIME')
if time.err then return {4, 'TIME', time.err} end
local function warming()
--# GUARD
end
local warms = warming()
if warms then
  if warms[1] == 3 then warms[4] = bits end
  return warms
end
local counter, number = 0, 0
if life > 0 then
--# COUNTERS size + target, size + target
--# NEAR
  number = math.max(counter + 1, near)
  number = number + number % 2
  redis.call('SET', KEYS[size + target], string.format('%.0f', number), 'PX', ARGV[4])
end
redis.call('SET', KEYS[target], ARGV[1], 'PX', ARGV[2])
return {1, target - 1, number, bits}
