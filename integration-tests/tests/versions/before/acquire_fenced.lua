local guard, life, slack = tonumber(ARGV[3]), tonumber(ARGV[4]), 1000000
local resources = life > 0 and #KEYS / 2 or #KEYS
local held, longest, free, counter = false, 0, {}, 0
for i = 1, resources do
  local value = redis.call('GET', KEYS[i])
  if not value then
    free[#free + 1] = KEYS[i]
  elseif value ~= ARGV[1] then
    held = true
    local left = redis.call('PTTL', KEYS[i])
    if left == -1 or longest == -1 then longest = -1 elseif left > longest then longest = left end
  end
end
for i = resources + 1, #KEYS do
  local value = redis.call('GET', KEYS[i])
  if value then
    if not string.match(value, '^%d+$') or #value > 16 or tonumber(value) >= 9007199254740991 then return {5, 0} end
    counter = math.max(counter, tonumber(value))
  end
end
if held then return {0, longest, counter} end
local time = redis.pcall('TIME')
if time.err then return {4, 'TIME', time.err} end
if guard > 0 then
  local saved = redis.pcall('LASTSAVE')
  if type(saved) ~= 'number' or saved <= 0 or (time[1] - saved - 1) * 1000 < guard then
    local info = redis.pcall('INFO', 'server')
    if type(info) == 'table' then return {4, 'INFO', info.err} end
    local uptime = tonumber(string.match(info, 'uptime_in_seconds:(%-?%d+)'))
    if not uptime then return {6, 0} end
    if uptime < 0 then return {7, -uptime} end
    local age = math.max(uptime - 1, 0)
    if age * 1000 < guard then return {3, guard - age * 1000, age} end
  end
end
local number = 0
if life > 0 then
  local clock = time[1] * 1000000 + time[2]
  number = math.max(counter + 1, math.max(clock - slack, math.min(tonumber(ARGV[5]), clock + slack)))
  local text = string.format('%.0f', number)
  for i = resources + 1, #KEYS do redis.call('SET', KEYS[i], text, 'PX', ARGV[4]) end
end
for _, key in ipairs(free) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return {#free == resources and 1 or 2, number}
