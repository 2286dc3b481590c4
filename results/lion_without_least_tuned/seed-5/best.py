# Candidate 1116 of repeat 0; fitness 0.0994 on seeds that the search did not use.
def train(w, g, m, v, lr):
    x1 = abs(g)
    update = interp(g, m, 0.63016284)
    update = update / x1
    update = interp(update, w, 0.38628334)
    update = sign(update)
    update = update * lr
    m = interp(g, m, 0.7121062)
    return update, m, v
