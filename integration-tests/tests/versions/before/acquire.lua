local held, longest, free = false, 0, {}
for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  if not value then
    free[#free + 1] = key
  elseif value ~= ARGV[1] then
    held = true
    local left = redis.call('PTTL', key)
    if left == -1 or longest == -1 then longest = -1 elseif left > longest then longest = left end
  end
end
if held then return {0, longest} end
for _, key in ipairs(free) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return {#free == #KEYS and 1 or 2, 0}
