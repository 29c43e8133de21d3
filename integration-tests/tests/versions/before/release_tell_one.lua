local value = redis.pcall('GET', KEYS[1])
if not value then return -1 end
if type(value) == 'table' then
  return string.find(value.err, 'WRONGTYPE', 1, true) and 0 or value
end
if value ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
local told = redis.pcall('PUBLISH', ARGV[2], KEYS[1])
return type(told) == 'table' and {1, told.err} or 1
