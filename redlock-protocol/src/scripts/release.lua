--# FREE
if foreign then return 0 end
if gone then return -1 end
return 1
