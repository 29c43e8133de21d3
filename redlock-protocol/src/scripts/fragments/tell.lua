local refused
for i = 1, ARGV[$2] ~= '' and #$1 or 0 do
  local told = redis.pcall('PUBLISH', ARGV[$2], $1[i])
  if type(told) == 'table' then refused = told.err break end
end
if refused then return {$3, refused} end
