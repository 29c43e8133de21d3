  local clock = time[1] * 1000000 + time[2]
  local near = math.max(clock - slack, math.min(tonumber(ARGV[5]), clock + slack))
