"""A mutation score for gradient tests: which mistakes in a backward pass would they notice?

places      which functions of a file are backward passes
mistakes    the mistakes people make in them, as edits of a right one; `generate` applies them
run         tests on the code as it is, then on each mutant; `workers` and `child` are the processes
witness     for a survivor, a test that fails on it, found by trying `inputs`
report      the score and the survivors; `page` is the same in HTML

`minires mutate` is the command.
"""
