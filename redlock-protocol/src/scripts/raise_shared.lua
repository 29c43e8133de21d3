local resources = #KEYS / 2
--# NOW
--# STANDS
--# LIFT
