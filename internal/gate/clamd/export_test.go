package clamd

// Judge is what an answer as it came, to a file sent whole, is taken for.
func Judge(b []byte) Result {
	said, whole := cut(b)
	res, _ := judge(said, whole)
	return res
}
