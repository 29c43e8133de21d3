local function shown(key)
  local top = redis.pcall('ZRANGE', key, -16, -1, 'WITHSCORES')
  if top.err then return not string.find(top.err, 'WRONGTYPE', 1, true) and top end
  if not string.find(top[#top - 1] or '', '^' .. string.rep('%x', 40)) then return false end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local shares = {redis.call('ZCOUNT', key, string.format('%.0f', now), '+inf')}
  for i = #top, 2, -2 do
    if tonumber(top[i]) >= now then
      shares[#shares + 1] = top[i - 1]
      shares[#shares + 1] = tonumber(top[i]) - now
    end
  end
  return shares
end
