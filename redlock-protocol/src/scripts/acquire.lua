local held, longest, alone, free, swapped = false, 0, 1, {}, 0
for i = 1, #KEYS do
--# LOOK 3
end
if held then return {0, longest, string.sub(held, 1, 200), alone} end
for _, key in ipairs(free) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return {#free == #KEYS and 1 or 2, 0, swapped}
