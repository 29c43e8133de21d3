--# FREE
local refused, heard = nil, #ours == 0
for _, key in ipairs(ours) do
  local told = redis.pcall('PUBLISH', ARGV[2], key)
  if type(told) == 'table' then refused = told.err break end
  heard = heard or told > 0
end
local removal = foreign and 0 or gone and -1 or 1
if refused then return {removal, refused} end
if not heard then return {removal, 0} end
return removal
