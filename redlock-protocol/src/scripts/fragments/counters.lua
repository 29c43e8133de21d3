for i = $1, $2 do
  local value = redis.call('GET', KEYS[i])
  if value then
    if not string.match(value, '^%d+$') or #value > 16 or tonumber(value) >= 9007199254740990 then return {5, 0} end
    counter = math.max(counter, tonumber(value))
  end
end
