-- Arguments: id, generation.
local row = read(ARGV[1])
if row and row.generation == ARGV[2] and row.confirmed == '0' then
  row.confirmed = '1'
  write(row)
end
return 1
