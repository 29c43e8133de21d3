--# FREE
local refused
for _, key in ipairs(ours) do
  local told = redis.pcall('PUBLISH', ARGV[2], key)
  if type(told) == 'table' then refused = told.err break end
end
local removal = foreign and 0 or gone and -1 or 1
if refused then return {removal, refused} end
return removal
