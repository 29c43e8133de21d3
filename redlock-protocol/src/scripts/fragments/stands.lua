local gone, foreign, whole, shares = false, false, {}, {}
for i = 1, resources do
  local key = KEYS[i]
  local score = redis.pcall('ZSCORE', key, ARGV[1])
  if type(score) == 'table' then
    if not string.find(score.err, 'WRONGTYPE', 1, true) then return score end
    local value = redis.pcall('GET', key)
    if type(value) == 'table' and not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    if value == ARGV[1] then whole[#whole + 1] = key else foreign = true end
  elseif score and tonumber(score) >= now then
    shares[#shares + 1] = {key, tonumber(score), redis.call('ZRANGE', key, -2, -1, 'WITHSCORES')}
  else
    gone = true
  end
end
