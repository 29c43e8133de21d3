local guard, life, slack, intent = tonumber(ARGV[3]), tonumber(ARGV[4]), 1000000, tonumber(ARGV[6])
local resources = #KEYS / (1 + (life > 0 and 1 or 0) + (intent > 0 and 1 or 0))
local counters = resources * (life > 0 and 2 or 1)
local held, longest, alone, free, swapped, counter = false, 0, 1, {}, 0, 0
for i = 1, resources do
--# LOOK 7
end
--# COUNTERS resources + 1, counters
if held then
  for i = counters + 1, alone * #KEYS do redis.call('SET', KEYS[i], '1', 'PX', ARGV[6]) end
  return {0, longest, counter, string.sub(held, 1, 200), alone}
end
local time = redis.pcall('TIME')
if time.err then return {4, 'TIME', time.err} end
--# GUARD
local number = 0
if life > 0 then
--# NEAR
  number = math.max(counter + 1, near)
  number = number + number % 2
  local text = string.format('%.0f', number)
  for i = resources + 1, counters do redis.call('SET', KEYS[i], text, 'PX', ARGV[4]) end
end
for i = counters + 1, #KEYS do redis.call('DEL', KEYS[i]) end
for _, key in ipairs(free) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return {#free == resources and 1 or 2, number, swapped, counter}
