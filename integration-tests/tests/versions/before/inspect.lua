local found = {}
for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  found[#found + 1] = value and 1 or 0
  found[#found + 1] = value or ''
  found[#found + 1] = redis.call('PTTL', key)
end
return found
