"""Search among structures: constants are tuned before a structure is judged, in generations that go stage by stage.

`search.StructureSearch` is the algorithm; every other module is one of its parts.

==============  =====================================================================================
`corpus`        published optimizers, whose parts children may take over
`prior`         how functions, arguments and constants are drawn
`edits`         splices of statements
`expressions`   statements as nested expressions, and state that comes along with one
`operators`     the table of operators, each `(parent, material, draws) -> child`
`breeding`      a child of a parent: an operator by its weight, until a child is valid
`replay`        updates of a program on recorded weights and gradients: near twins, ascent directions
`cells`         the incumbents by length, state slots and use of weights
`climbing`      tuning of constants as trials
`stages`        which children go on, and why the others do not
`pruning`       statements of an admitted program that do nothing for it
`search`        the generations
==============  =====================================================================================
"""
