"""Search among structures: the constants of a program are tuned before its structure is judged.

`search.StructureSearch` is the algorithm. The other modules are its parts:

==============  =====================================================================================
`corpus`        published optimizers as donors of subexpressions
`prior`         distributions of functions, arguments and constants
`expressions`   statements as nested expressions
`operators`     the table of operators, each `(parent, material, draws) -> draft`
`breeding`      children: operators are drawn until a draft is valid
`offspring`     breeding and simplification as requests, which helper processes can answer
`replay`        updates on recorded weights and gradients, which show near twins and ascent directions
`cells`         the best program of each length, number of state slots and use of weights
`climbing`      tuning of constants as trials
`stages`        the stages of an evaluation, with the reasons for dropping a candidate
`pruning`       removal of statements that do not improve the fitness
`identity`      digest of a structure
`measures`      fitness at each stage
`candidates`    a candidate during its evaluation
`search`        the generations
==============  =====================================================================================
"""
