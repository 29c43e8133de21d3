if guard > 0 then
  local saved = redis.pcall('LASTSAVE')
  if type(saved) ~= 'number' or saved <= 0 or (time[1] - saved - 1) * 1000 < guard then
    local info = redis.pcall('INFO', 'server')
    if type(info) == 'table' then return {4, 'INFO', info.err} end
    local uptime = tonumber(string.match(info, 'uptime_in_seconds:(%-?%d+)'))
    if not uptime then return {6, 0} end
    if uptime < 0 then return {7, -uptime} end
    local age = math.max(uptime - 1, 0)
    if age * 1000 < guard then return {3, guard - age * 1000, age} end
  end
end
