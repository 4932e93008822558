-- now, and which sessions end.
return finish(ending(2), ARGV[1])
