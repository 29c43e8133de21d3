  local key = KEYS[i]
  local value = redis.pcall('GET', key)
  if not value then
    free[#free + 1] = key
  elseif value == ARGV[$1] then
    free[#free + 1] = key
    swapped = swapped + 1
  elseif value ~= ARGV[1] then
    if type(value) == 'table' then
      local last = string.find(value.err, 'WRONGTYPE', 1, true) and redis.call('ZRANGE', key, -1, -1)[1]
      if not last or not string.find(last, '^' .. string.rep('%x', 40)) then return value end
      value = last
    else
      alone = 0
    end
    local left = redis.call('PTTL', key)
    if not held or longest ~= -1 and (left == -1 or left > longest) then held, longest = value, left end
  end
